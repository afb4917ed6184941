import { assert, assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { needs } from "../testing/needs.ts";
import { resetConnection } from "./testing/reset_connection.ts";
import { startServer, type TestClient, type TestServer } from "./testing/start_server.ts";

const STORE_BET = "StoreBet:1;Juan;Perez;12345678;1980-01-01;1234\n";
const STORED = "StoreResponse:0\n";
const REFUSED = "StoreResponse:1\n";
const PROGRESS = "ProgressRequest:5\n";
const NO_BETS = "ProgressResponse:0\n";

/** Connects, and waits for a first answer. */
async function servedClient(server: TestServer, source?: string): Promise<TestClient> {
  const client = await server.connect(source);
  assertEquals(await client.ask(PROGRESS), NO_BETS);
  return client;
}

/** Connects several clients that are served and rest. */
async function servedClients(
  server: TestServer,
  count: number,
  source?: string,
): Promise<TestClient[]> {
  const clients: TestClient[] = [];
  while (clients.length < count) clients.push(await servedClient(server, source));
  return clients;
}

/** A client whose session waits for the draw. */
async function waitingClient(
  server: TestServer,
  { agency = 1, source }: { agency?: number; source?: string } = {},
): Promise<TestClient> {
  const client = await server.connect(source);
  const looked = server.looked();
  await client.send(`WinnersRequest:${agency}\n`);
  await looked;
  return client;
}

/** Closes all agencies and waits until the server has closed them. */
async function closeAgencies(server: TestServer): Promise<void> {
  using client = await server.connect();
  await client.send("AgencyClose:1\nAgencyClose:2\nAgencyClose:3\nAgencyClose:4\nAgencyClose:5\n");
  await client.ask(PROGRESS);
}

/** Asserts that the server still serves a client. */
async function assertServed(client: TestClient): Promise<void> {
  assertEquals(await client.ask(PROGRESS), NO_BETS);
}

function closeAll(clients: TestClient[]): void {
  for (const client of clients) client.close();
}

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
  // They cannot keep it by being within a packet either.
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

Deno.test("Connections needs no place for clients that wait for the draw", async () => {
  await using server = await startServer({ connectionsMax: 1 });
  const waiting = [];
  for (let agency = 1; agency <= 5; agency++) waiting.push(await waitingClient(server, { agency }));
  await closeAgencies(server);
  for (const client of waiting) {
    assertEquals(await client.line(), "WinnersResponse:\n");
    client.close();
  }
  using client = await server.connect();
  assertEquals(await client.ask(STORE_BET), REFUSED);
});

Deno.test("Connections ends the longest wait of an agency when too many clients wait", async () => {
  await using server = await startServer({ waitingMax: 2 });
  using oldest = await waitingClient(server, { agency: 1 });
  using middle = await waitingClient(server, { agency: 2 });
  using newest = await waitingClient(server, { agency: 3 });
  assertEquals(await oldest.rest(), "");
  using again = await waitingClient(server, { agency: 3 });
  assertEquals(await newest.rest(), "");
  await closeAgencies(server);
  assertEquals(await middle.line(), "WinnersResponse:\n");
  assertEquals(await again.line(), "WinnersResponse:\n");
});

Deno.test("Connections ends waits of the address that has most, and logs them in sum", async () => {
  using time = new FakeTime();
  await using server = await startServer({ waitingMax: 3 });
  const honest = [
    await waitingClient(server, { source: "10.0.0.1" }),
    await waitingClient(server, { source: "10.0.0.2" }),
  ];
  const hogs: TestClient[] = [];
  for (let count = 0; count < 20; count++) {
    hogs.push(await waitingClient(server, { source: "10.0.0.3", agency: 2 }));
  }
  for (const hog of hogs.slice(0, -1)) assertEquals(await hog.rest(), "");
  const warnings = () => server.lines.filter((line) => line.includes("too many connections wait"));
  assertEquals(warnings().length, 1);
  await time.tickAsync(10_000);
  assertEquals(warnings()[1]?.endsWith("| times: 18"), true, warnings()[1]);
  await closeAgencies(server);
  for (const client of [...honest, hogs.at(-1)!]) {
    assertEquals(await client.line(), "WinnersResponse:\n");
  }
  closeAll([...honest, ...hogs]);
});

Deno.test("Connections ends the waits of clients that are gone, so that no other wait has to end", async () => {
  await using server = await startServer({ waitingMax: 2 });
  using honest = await waitingClient(server);
  const leave: ((packets: string) => Promise<void>)[] = [
    async (packets) => {
      using client = await server.connect();
      const looked = server.looked();
      await client.send(packets);
      await looked;
    },
    (packets) => resetConnection(server.server.port, packets, server.looked()),
  ];
  const packets = [
    "WinnersRequest:1\n",
    `WinnersRequest:1\n${STORE_BET}`,
    "WinnersRequest:1\nStore",
  ];
  let count = 0;
  for (const goAway of leave) {
    for (const packet of packets) {
      await goAway(packet);
      await server.logged("the peer is gone", ++count);
    }
  }
  assert(!server.lines.some((line) => line.includes("too many")), server.lines.join("\n"));
  await closeAgencies(server);
  assertEquals(await honest.line(), "WinnersResponse:\n");
  assertEquals(server.disk.text("bets.csv"), "");
});

Deno.test("Connections ends the wait of a client that has filled its buffer and is gone", async () => {
  await using server = await startServer({ packetBytesMax: 1000 });
  const client = await waitingClient(server);
  await client.send("x".repeat(100_000));
  client.close();
  await server.logged("the peer is gone");
});

Deno.test("Connections answers packets that arrive while their client waits for the draw", async () => {
  await using server = await startServer({ packetBytesMax: 1000 });
  using client = await waitingClient(server);
  // More than the server keeps, in pieces.
  const sent = client.send(`${STORE_BET}ProgressRequest:1\nWinnersRequest:1\n`.repeat(100));
  await closeAgencies(server);
  const answers = `${REFUSED}ProgressResponse:0\nWinnersResponse:\n`.repeat(100);
  await sent;
  await client.endSending();
  assertEquals(await client.rest(), `WinnersResponse:\n${answers}`);
});

Deno.test("Connections keeps the wait of a client that has closed its sending half", async () => {
  await using server = await startServer({ agencies: 2 });
  using client = await server.connect();
  assertEquals(await client.ask("StoreBet:1;Eva;Rey;42;1990-05-05;7574\n"), STORED);
  const looked = server.looked();
  await client.send("WinnersRequest:1\nWinnersRequest:2\n");
  await client.endSending();
  await looked;
  // The server asks whether it is still there, until the answer's head is complete.
  let head = "";
  const bytes = new Uint8Array(16);
  while (head.length < 3) {
    const count = await client.connection.read(bytes);
    head += new TextDecoder().decode(bytes.subarray(0, count ?? 0));
  }
  using other = await server.connect();
  await other.send("AgencyClose:1\nAgencyClose:2\n");
  assertEquals(head + await client.rest(), "WinnersResponse:42\nWinnersResponse:\n");
});

Deno.test("Connections serves the next client while one has yet to take its last answer", async () => {
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

/** The errors of accept(2) that concern one connection, and those that concern all. */
const RESET = Object.assign(new Deno.errors.NotConnected("Transport endpoint is not connected"), {
  code: "ENOTCONN",
});
const NO_FILES = Object.assign(new Error("Too many open files (os error 24)"), { code: "EMFILE" });

Deno.test("Server accepts the next connection at once after connections that were reset", async () => {
  using time = new FakeTime();
  await using server = await startServer();
  using idle = await servedClient(server);
  for (let count = 0; count < 50; count++) {
    server.acceptErrors.push(...Array<Error>(20).fill(RESET));
    // No timer can run: a pause would last for ever.
    using _client = await servedClient(server);
  }
  assertEquals(server.acceptErrors, []);
  assert(!server.lines.some((line) => line.startsWith("action: accept") && line.includes("WARN")));
  // Nor has anybody less time.
  await time.tickAsync(59_000);
  await assertServed(idle);
});

Deno.test({
  ...needs(["net"], "Server answers honest clients at once beside connections that are reset"),
  fn: async () => {
    using _time = new FakeTime();
    await using server = await startServer();
    const { port } = server.server;
    for (let count = 0; count < 50; count++) {
      const resets = Array.from({ length: 5 }, () => resetConnection(port));
      using _client = await servedClient(server);
      await Promise.all(resets);
    }
    assertEquals(server.lines.filter((line) => line.includes("reason: ")), []);
  },
});

Deno.test("Server pauses without file handles, and logs that in sum", async () => {
  using time = new FakeTime();
  await using server = await startServer();
  const hogs = await servedClients(server, 2, "10.0.0.2");
  for (const hog of hogs) await hog.send("StoreBet:1;Ju");
  server.acceptErrors.push(...Array<Error>(100).fill(NO_FILES));
  using _last = await servedClient(server);
  using next = await server.connect();
  await next.send(PROGRESS);
  while (server.acceptErrors.length > 0) await time.tickAsync(100);
  await time.tickAsync(1_000);
  const failures = server.lines.filter((line) => line.startsWith("action: accept | result: fail"));
  const failure = "action: accept | result: fail | error: Too many open files (os error 24)";
  assertEquals(failures, [failure, `${failure} | times: 99`]);
  // Those that keep it waiting have less time.
  for (const hog of hogs) assertEquals(await hog.rest(), "");
  assertEquals(await next.line(), NO_BETS);
  closeAll(hogs);
});

Deno.test("Server without file handles ends a client that rests, of the address that has most", async () => {
  using time = new FakeTime();
  await using server = await startServer();
  using honest = await servedClient(server, "10.0.0.1");
  const hogs = await servedClients(server, 2, "10.0.0.2");
  await time.tickAsync(1_000);
  server.acceptErrors.push(NO_FILES);
  using _last = await servedClient(server, "10.0.0.4");
  using next = await server.connect("10.0.0.3");
  await next.send(PROGRESS);
  assertEquals(await hogs[0].rest(), "");
  await time.tickAsync(5);
  assertEquals(await next.line(), NO_BETS);
  await assertServed(honest);
  await assertServed(hogs[1]);
  closeAll(hogs);
});

Deno.test("Server without file handles ends waits of an address that has more than its share", async () => {
  using time = new FakeTime();
  await using server = await startServer({ connectionsPerAddressMax: 2 });
  const honest = [
    await waitingClient(server, { source: "10.0.0.1" }),
    await waitingClient(server, { source: "10.0.0.1" }),
  ];
  const hogs: TestClient[] = [];
  while (hogs.length < 3) hogs.push(await waitingClient(server, { source: "10.0.0.2" }));
  server.acceptErrors.push(NO_FILES, NO_FILES);
  using _last = await servedClient(server);
  assertEquals(await hogs[0].rest(), "");
  await time.tickAsync(5);
  await time.tickAsync(100);
  await closeAgencies(server);
  for (const client of [...honest, ...hogs.slice(1)]) {
    assertEquals(await client.line(), "WinnersResponse:\n");
  }
  closeAll([...honest, ...hogs]);
});

Deno.test("Server measures idleness by a clock that nobody sets", async () => {
  using time = new FakeTime();
  await using server = await startServer({ hasOwnClock: true });
  using idle = await servedClient(server);
  time.tick(3_600_000);
  await assertServed(idle);
});
