import { assert, assertEquals } from "@std/assert";
import { needs } from "../../testing/needs.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import { RunLock } from "./run_lock.ts";
import { findServers, statusAddresses } from "./status_addresses.ts";

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

Deno.test({
  ...needs(
    ["run", "env", "write"],
    "findServers() lists the servers of a run while any of its processes is alive",
  ),
  fn: async () => {
    await using folder = tempFolder();
    const servers = statusAddresses(["server1", "server2"]);
    {
      using lock = await RunLock.acquire(folder.path);
      lock.describe({ servers });
      assertEquals(await findServers(folder.path), servers);
    }
    const ended = new Deno.Command("true").spawn();
    await ended.status;
    const record = { pid: ended.pid, children: [ended.pid], servers };
    await Deno.writeTextFile(`${folder.path}/.cache/up.lock`, JSON.stringify(record));
    const isListed = (await findServers(folder.path)).some(({ port }) => port === servers[0].port);
    assertEquals(isListed, false);
  },
});
