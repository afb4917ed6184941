import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { ServerDirectory } from "./server_directory.ts";

Deno.test("ServerDirectory lists servers with names as they are, and asks for no address", async () => {
  const directory = new ServerDirectory({
    entries: [
      { name: "server1", host: "db", port: 20001 },
      { host: "127.0.0.1", port: 20002 },
    ],
    resolve: () => Promise.reject(new Error("asked")),
  });
  assertEquals(await directory.list(), [
    { name: "server1", hostname: "db", port: 20001 },
    { name: "127.0.0.1:20002", hostname: "127.0.0.1", port: 20002 },
  ]);
});

Deno.test("ServerDirectory lists every address that a name has now", async () => {
  let addresses = ["10.0.0.3", "10.0.0.2", "fd00::1"];
  const directory = new ServerDirectory({
    entries: [{ host: "server", port: 1 }],
    resolve: (host) =>
      addresses.length > 0 && host === "server"
        ? Promise.resolve(addresses)
        : Promise.reject(new Error("ENOTFOUND")),
  });
  const names = async () => (await directory.list()).map(({ name }) => name);
  assertEquals(await names(), ["10.0.0.2:1", "10.0.0.3:1"]);
  addresses = ["10.0.0.3"];
  assertEquals(await names(), ["10.0.0.3:1"]);
  addresses = [];
  assertEquals(await names(), []);
  addresses = ["10.0.0.4"];
  assertEquals(await names(), ["10.0.0.4:1"]);
});

Deno.test("ServerDirectory keeps the addresses while the name server does not answer", async () => {
  using time = new FakeTime();
  const answers = [Promise.resolve(["10.0.0.2"]), new Promise<string[]>(() => {})];
  const directory = new ServerDirectory({
    entries: [{ host: "server", port: 1 }],
    resolve: () => answers.shift()!,
  });
  const first = await directory.list();
  const second = directory.list();
  await time.tickAsync(1000);
  assertEquals(await second, first);
});
