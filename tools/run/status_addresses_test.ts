import { assert, assertEquals } from "@std/assert";
import { needs } from "../../testing/needs.ts";
import { statusAddresses } from "./status_addresses.ts";

Deno.test({
  ...needs(
    ["net"],
    "statusAddresses() chooses free ports that no connection is given, all different",
  ),
  fn: () => {
    const names = Array.from({ length: 50 }, (_, index) => `server${index + 1}`);
    const addresses = statusAddresses(names);
    assertEquals(addresses.map(({ name }) => name), names);
    const ports = addresses.map(({ port }) => port);
    assertEquals(new Set(ports).size, 50);
    // Linux gives ports from 32768 on to connections.
    assert(ports.every((port) => port >= 20_000 && port < 32_000), ports.join());
    const listeners = ports.map((port) => Deno.listen({ hostname: "127.0.0.1", port }));
    for (const listener of listeners) listener.close();
  },
});
