import { assert, assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { startServer, type TestClient } from "./testing/start_server.ts";
import {
  assertServed,
  closeAll,
  NO_BETS,
  PROGRESS,
  REFUSED,
  servedClient,
  servedClients,
  STORE_BET,
  STORED,
} from "./testing/requests.ts";

Deno.test("Connections with one place serves the next one after the first has ended", async () => {
  using time = new FakeTime();
  await using server = await startServer({ connectionsMax: 1, agencies: 1 });
  using first = await server.connect();
  assertEquals(await first.ask(STORE_BET), STORED);
  using second = await server.connect();
  await second.send("ProgressRequest:1\n");
  await server.logged("waits for a place");
  for (let bets = 2; bets < 10; bets++) {
    await time.tickAsync(1000);
    assertEquals(await first.ask(`${STORE_BET}ProgressRequest:1\n`), STORED);
    assertEquals(await first.line(), `ProgressResponse:${bets}\n`);
  }
  first.close();
  // It sees everything that the first has stored: it was not served in between.
  assertEquals(await second.line(), "ProgressResponse:9\n");
});

Deno.test("Connections ends an idle client sooner while another one waits for the only place", async () => {
  using time = new FakeTime();
  await using server = await startServer({ connectionsMax: 1 });
  using idle = await servedClient(server);
  using busy = await server.connect();
  await busy.send(PROGRESS);
  await server.logged("waits for a place");
  await time.tickAsync(4_000);
  await assertServed(idle);
  await idle.send("ProgressReq");
  await time.tickAsync(6_000);
  assertEquals(await idle.rest(), "");
  assertEquals(await busy.line(), NO_BETS);
});

Deno.test("Connections ends the client that has rested longest when another one needs its place", async () => {
  using time = new FakeTime();
  await using server = await startServer({ connectionsMax: 3 });
  const [first, second, third] = await servedClients(server, 3);
  await time.tickAsync(500);
  await assertServed(first);
  await assertServed(third);
  await time.tickAsync(500);
  using newcomer = await servedClient(server);
  assertEquals(await second.rest(), "");
  await assertServed(first);
  await assertServed(third);
  await assertServed(newcomer);
  closeAll([first, second, third]);
});

Deno.test("Connections lets a client that is never idle give up its place after an answer", async () => {
  using time = new FakeTime();
  await using server = await startServer({ connectionsMax: 2 });
  // These are always within a packet, whenever the server looks.
  const dribbling = [await server.connect(), await server.connect()];
  for (const client of dribbling) assertEquals(await client.ask(`${PROGRESS}Prog`), NO_BETS);
  await time.tickAsync(1_000);
  using newcomer = await server.connect();
  await newcomer.send(PROGRESS);
  await server.logged("makes room");
  const answer = newcomer.line();
  for (const client of dribbling) {
    // The rest of its packet and the beginning of the next; the server reads on, or the answer would be lost.
    assertEquals(await client.ask(`ressRequest:5\nProg`), NO_BETS);
  }
  assertEquals(await answer, NO_BETS);
  assertEquals(await dribbling[0].rest(), "");
  assertEquals(dribbling[0].wasReset, false);
  closeAll(dribbling);
});

Deno.test("Connections gives an address with fewer places a place beyond another one's share at once", async () => {
  using _time = new FakeTime();
  await using server = await startServer({ connectionsMax: 4, connectionsPerAddressMax: 2 });
  const hogs = await servedClients(server, 4, "10.0.0.1");
  // Being within a packet does not let them keep their places.
  for (const hog of hogs.slice(1)) await hog.send("StoreBet:1;Ju");
  const honest = await servedClients(server, 2, "10.0.0.2");
  assertEquals(await hogs[0].rest(), "");
  assertEquals(await hogs[1].rest(), "");
  assertEquals(await hogs[2].ask("\n"), REFUSED);
  closeAll([...hogs, ...honest]);
});

Deno.test("Connections serves the address that has fewest places first", async () => {
  using time = new FakeTime();
  await using server = await startServer({ connectionsMax: 4, connectionsPerAddressMax: 2 });
  const served = [
    ...await servedClients(server, 2, "10.0.0.1"),
    ...await servedClients(server, 2, "10.0.0.2"),
  ];
  const queue: TestClient[] = [];
  for (const source of ["10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.3"]) {
    const client = await server.connect(source);
    await client.send(PROGRESS);
    queue.push(client);
    await server.logged("waits for a place", queue.length);
  }
  served[0].close();
  assertEquals(await queue[3].line(), NO_BETS);
  served[1].close();
  assertEquals(await queue[0].line(), NO_BETS);
  await time.tickAsync(1_000);
  assertEquals(await queue[1].line(), NO_BETS);
  closeAll([...served, ...queue]);
});

Deno.test("Connections counts each connection of a trusted proxy as an address", async () => {
  using _time = new FakeTime();
  await using server = await startServer({
    connectionsMax: 4,
    connectionsPerAddressMax: 1,
    trustedProxies: [{ first: 0x0a000001, last: 0x0a000001 }],
  });
  const proxied = await servedClients(server, 2, "10.0.0.1");
  const hogs = await servedClients(server, 2, "10.0.0.2");
  // The proxy has as many places, but is not over any share.
  using honest = await servedClient(server, "10.0.0.3");
  assertEquals(await hogs[0].rest(), "");
  for (const client of [...proxied, hogs[1], honest]) await assertServed(client);
  closeAll([...proxied, ...hogs]);
});

Deno.test("Connections closes the eldest of the address that has most when too many need a place", async () => {
  using _time = new FakeTime();
  await using server = await startServer({ connectionsMax: 1, listenBacklog: 1 });
  using first = await servedClient(server, "10.0.0.1");
  const hogs = [await server.connect("10.0.0.2"), await server.connect("10.0.0.2")];
  using honest = await server.connect("10.0.0.3");
  await honest.send(PROGRESS);
  assertEquals(await hogs[0].rest(), "");
  first.close();
  // The eldest of those that are left comes first.
  await assertServed(hogs[1]);
  hogs[1].close();
  assertEquals(await honest.line(), NO_BETS);
  assert(server.lines.some((line) => line.includes("too many connections need a place")));
  closeAll(hogs);
});

Deno.test("Connections shortens the idle time only of addresses that are in the way", async () => {
  using time = new FakeTime();
  await using server = await startServer({ connectionsMax: 4, connectionsPerAddressMax: 3 });
  const hogs = await servedClients(server, 3, "10.0.0.1");
  for (const hog of hogs) await hog.send("StoreBet:1;Ju");
  using honest = await servedClient(server, "10.0.0.2");
  await honest.send("StoreBet:1;Ju");
  const more = await server.connect("10.0.0.1");
  await server.logged("waits for a place");
  await time.tickAsync(6_000);
  for (const hog of hogs) assertEquals(await hog.rest(), "");
  await time.tickAsync(50_000);
  assertEquals(await honest.ask("an\n"), REFUSED);
  closeAll([...hogs, more]);
});

Deno.test("Connections serves the next client while one still has to take its last answer", async () => {
  using _time = new FakeTime();
  await using server = await startServer({ connectionsMax: 1 });
  using first = await server.connect();
  assertEquals(await first.ask("junk\n"), "");
  using second = await server.connect();
  await assertServed(second);
});

/** Returns whether the server still reads from a client to which it has ended its sending half. */
async function isReadFrom(client: TestClient): Promise<boolean> {
  try {
    for (let count = 0; count < 100; count++) {
      await client.send("x");
      await new Promise((resolve) => setImmediate(resolve));
    }
    return true;
  } catch {
    return false;
  }
}

Deno.test("Connections lets a limited number of clients take their time for the last answer", async () => {
  using _time = new FakeTime();
  await using server = await startServer();
  using clients = new DisposableStack();
  const askJunk = async (source: string) => {
    const client = clients.use(await server.connect(source));
    assertEquals(await client.ask("junk\n"), "");
    return client;
  };
  const honest = await askJunk("10.0.0.1");
  const hogs: TestClient[] = [];
  while (hogs.length < 64) hogs.push(await askJunk("10.0.0.2"));
  assertEquals(await isReadFrom(hogs[0]), false);
  for (const client of [honest, hogs[1]]) assertEquals(await isReadFrom(client), true);
});

Deno.test("Server measures idleness by a clock that nobody sets", async () => {
  using time = new FakeTime();
  await using server = await startServer({ hasOwnClock: true });
  using idle = await servedClient(server);
  time.tick(3_600_000);
  await assertServed(idle);
});
