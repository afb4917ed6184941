import { assert, assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { LOG_PREFIX } from "./ledger/file/volume_files.ts";
import { type Hold, MemoryDisk } from "./testing/memory_disk.ts";
import { startServer, type TestClient, type TestServer } from "./testing/start_server.ts";
import { rowsOf } from "./testing/witness.ts";
import {
  closeAgencies,
  REFUSED,
  servesHonestClient,
  STORE_BATCH,
  STORE_BATCH_OTHER,
  STORE_BET,
  STORED,
  waitingClient,
} from "./testing/requests.ts";

Deno.test("Server answers the packets of the exercise, byte for byte", async () => {
  await using server = await startServer();
  using client = await server.connect();
  assertEquals(await client.ask(STORE_BET), STORED);
  assertEquals(await client.ask(STORE_BATCH), STORED);
  assertEquals(await client.ask(STORE_BATCH_OTHER), STORED);
  assertEquals(await client.ask("StoreBet:2;Eva;Rey;34054835;1990-05-05;7574\n"), STORED);
  assertEquals(await client.ask("StoreBet:2;Leo;Rey;38955439;1990-05-05;7574\n"), STORED);
  await client.send("AgencyClose:1\nAgencyClose:2\nAgencyClose:3\nAgencyClose:4\nAgencyClose:5\n");
  assertEquals(await client.ask("WinnersRequest:2\n"), "WinnersResponse:34054835;38955439\n");
  assertEquals(await client.ask("WinnersRequest:1\n"), "WinnersResponse:\n");
  assertEquals(
    server.disk.text("bets.csv"),
    "1,Juan,Perez,12345678,1980-01-01,1234\n" +
      "1,Juan,Perez,12345678,1980-01-01,5423\n1,Maria,Gomez,87654321,1999-10-25,1234\n" +
      "2,Juan,Perez,12345678,1980-01-01,5423\n2,Maria,Gomez,87654321,1999-10-25,1234\n" +
      "2,Eva,Rey,34054835,1990-05-05,7574\n2,Leo,Rey,38955439,1990-05-05,7574\n",
  );
  assertEquals(server.disk.text("agencies_closed.txt"), "1\n2\n3\n4\n5\n");
});

Deno.test("Server answers one packet per connection, as the clients of the exercise send them", async () => {
  await using server = await startServer();
  for (let bet = 0; bet < 10; bet++) {
    using client = await server.connect();
    assertEquals(await client.ask(STORE_BET), STORED);
  }
  assertEquals(rowsOf(server.disk).length, 10);
});

Deno.test("Server reads packets that arrive byte by byte", async () => {
  await using server = await startServer();
  using client = await server.connect();
  for (const byte of new TextEncoder().encode(STORE_BATCH + "ProgressRequest:1\r\n")) {
    await client.send(Uint8Array.of(byte));
  }
  assertEquals(await client.line(), STORED);
  assertEquals(await client.line(), "ProgressResponse:2\n");
});

Deno.test("Server answers packets that arrive in one write, in their order", async () => {
  await using server = await startServer();
  using client = await server.connect();
  await client.send(
    `${STORE_BET}ProgressRequest:1\nStoreBet:1;bad\n${STORE_BATCH}ProgressRequest:1\n` +
      `ProgressRequest:2\r\n${STORE_BET.replace("\n", "\r\n")}`,
  );
  await client.endSending();
  assertEquals(
    await client.rest(),
    `${STORED}ProgressResponse:1\n${REFUSED}${STORED}ProgressResponse:3\nProgressResponse:0\n${STORED}`,
  );
});

Deno.test("Server answers all of 2,000 pipelined packets in their order", async () => {
  await using server = await startServer();
  using client = await server.connect();
  const packets = Array.from({ length: 1000 }, () => `${STORE_BET}ProgressRequest:1\n`);
  const expected = packets.map((_, index) => `${STORED}ProgressResponse:${index + 1}\n`).join("");
  const received = client.rest();
  await client.send(packets.join(""));
  await client.endSending();
  assertEquals(await received, expected);
});

Deno.test("Server sends a half-closed client all its answers, winners included", async () => {
  await using server = await startServer({ agencies: 1 });
  using client = await server.connect();
  await client.send("StoreBet:1;Eva;Rey;42;1990-05-05;7574\nWinnersRequest:1\n");
  const looked = server.looked();
  await client.endSending();
  assertEquals(await client.line(), STORED);
  await looked;
  await closeAgencies(server, [1]);
  assertEquals(await client.rest(), "WinnersResponse:42\n");
});

Deno.test("Server does not store a packet without its line end", async () => {
  await using server = await startServer();
  using client = await server.connect();
  await client.send(STORE_BET + STORE_BATCH.slice(0, -1));
  await client.endSending();
  assertEquals(await client.rest(), STORED);
  assertEquals(rowsOf(server.disk).length, 1);
  assert(server.lines.some((line) => /ended within a packet; its \d+ bytes/.test(line)));
});

/** A disk of a complete draw, with winners of agency 1. */
function drawnDisk(winners: number, digits: number): { disk: MemoryDisk; answer: string } {
  const documents = Array.from(
    { length: winners },
    (_, index) => String(index).padStart(digits, "9"),
  );
  const disk = new MemoryDisk();
  disk.put("bets.csv", documents.map((one) => `1,Ana,Paz,${one},1980-01-01,7574\n`).join(""));
  disk.put("agencies_closed.txt", "1\n");
  return { disk, answer: `WinnersResponse:${documents.join(";")}\n` };
}

Deno.test("Server sends winners of 3 MB to a slow reader", async () => {
  const { disk, answer } = drawnDisk(350_000, 8);
  await using server = await startServer({ disk, agencies: 1 });
  using client = await server.connect();
  await client.send("WinnersRequest:1\nProgressRequest:1\n");
  await client.endSending();
  assertEquals((await client.rest(1000)) === `${answer}ProgressResponse:350000\n`, true);
});

Deno.test("Server holds winners of 12 MB once, however many clients ask and do not read", async () => {
  const { disk, answer } = drawnDisk(600_000, 20);
  await using server = await startServer({ disk, agencies: 1 });
  await using clients = new AsyncDisposableStack();
  const { external } = Deno.memoryUsage();
  for (let count = 0; count < 20; count++) {
    const client = clients.use(await server.connect());
    await client.send("WinnersRequest:1\n");
    await client.connection.read(new Uint8Array(4));
  }
  assertLess(Deno.memoryUsage().external - external, 5 * answer.length);
  await clients.disposeAsync();
  using reader = await server.connect();
  await reader.send("WinnersRequest:1\n");
  await reader.endSending();
  assertEquals((await reader.rest()) === answer, true);
});

Deno.test("Server ends clients that are idle or dribble, not those that wait for the draw", async () => {
  using time = new FakeTime();
  await using server = await startServer({ idleMs: 60_000 });
  using idle = await server.connect();
  assertEquals(await idle.ask(STORE_BET), STORED);
  using dribbling = await server.connect();
  assertEquals(await dribbling.ask("ProgressRequest:1\n"), "ProgressResponse:1\n");
  using waiting = await waitingClient(server, { agency: 1 });
  time.tick(30_000);
  using recent = await server.connect();
  assertEquals(await recent.ask("ProgressRequest:2\n"), "ProgressResponse:0\n");
  await dribbling.send("StoreBet:1;Ju");
  time.tick(20_000);
  await dribbling.send("an;");
  for (let time = 0; time < 3; time++) await recent.ask("ProgressRequest:2\n");
  time.tick(12_000);
  assertEquals(await idle.rest(), "");
  assertEquals(await dribbling.rest(), "");
  assertEquals(server.lines.filter((line) => line.includes("idle for too long")).length, 2);
  assertEquals(await recent.ask("ProgressRequest:2\n"), "ProgressResponse:0\n");
  time.tick(59_000);
  assertEquals(await recent.ask("ProgressRequest:2\n"), "ProgressResponse:0\n");
  time.tick(3_600_000);
  await closeAgencies(server);
  assertEquals(await waiting.line(), "WinnersResponse:\n");
  assertEquals(rowsOf(server.disk).length, 1);
});

Deno.test("Server does not mistake a slow disk for an idle client", async () => {
  using time = new FakeTime();
  await using server = await startServer({ idleMs: 60_000 });
  using client = await server.connect();
  const hold = server.disk.hold("sync", LOG_PREFIX);
  await client.send(STORE_BET);
  await hold.reached;
  time.tick(600_000);
  hold.release();
  assertEquals(await client.line(), STORED);
  assertEquals(await client.ask("ProgressRequest:1\n"), "ProgressResponse:1\n");
});

/** A client whose batch is being synced. */
async function batchInHand(server: TestServer): Promise<{ client: TestClient; hold: Hold }> {
  const client = await server.connect();
  const hold = server.disk.hold("sync", LOG_PREFIX);
  await client.send(STORE_BATCH);
  await hold.reached;
  return { client, hold };
}

Deno.test("Server.stop() answers the current packet and ends the other connections", async () => {
  const server = await startServer();
  using idle = await server.connect();
  assertEquals(await idle.ask("ProgressRequest:1\n"), "ProgressResponse:0\n");
  using within = await server.connect();
  assertEquals(await within.ask("ProgressRequest:1\n"), "ProgressResponse:0\n");
  await within.send("StoreBet:1;Ju");
  using waiting = await waitingClient(server);
  const { client, hold } = await batchInHand(server);
  const stopped = server.stop();
  assertEquals(await idle.rest(), "");
  assertEquals(await within.rest(), "");
  assertEquals(await waiting.rest(), "");
  hold.release();
  assertEquals(await client.rest(), STORED);
  await stopped;
  assertEquals(rowsOf(server.disk).length, 2);
  assertEquals(server.lines.slice(-6).map((line) => line.split(" | ")[0]), [
    "action: close_listener",
    "action: apuestas_almacenadas",
    "action: apuestas_almacenadas",
    "action: close_connections",
    "action: close_broadcast",
    "action: close_ledger",
  ]);
  client.close();
});

Deno.test("Server.stop() ends in time although a client does not read", async () => {
  using time = new FakeTime();
  const { disk, answer } = drawnDisk(600_000, 20);
  const server = await startServer({ disk, agencies: 1 });
  using client = await server.connect();
  await client.send("WinnersRequest:1\n");
  const start = new Uint8Array(4);
  await client.connection.read(start);
  assertEquals(new TextDecoder().decode(start), "Winn");
  const stopped = server.stop();
  time.tick(1500);
  await stopped;
  assert((await client.rest()).length < answer.length - 4);
});

Deno.test("Server.stop() aborts a stuck session when its patience ends", async () => {
  using time = new FakeTime();
  const server = await startServer();
  const { client, hold } = await batchInHand(server);
  const stopped = server.stop();
  time.tick(1500);
  assertEquals(await client.rest(), "");
  hold.release();
  await stopped;
  assertEquals(rowsOf(server.disk).length, 2);
  client.close();
});

Deno.test("Server logs the bets of a connection that stores for many agencies before it ends", async () => {
  await using server = await startServer({ agenciesPerConnectionMax: 2 });
  using client = await server.connect();
  for (const agency of [1, 2, 1, 3, 1]) {
    assertEquals(await client.ask(`StoreBet:${agency};Ana;Paz;1;1980-01-01;1\n`), STORED);
  }
  const lines = server.lines.filter((line) => line.startsWith("action: apuestas_almacenadas"));
  const logged = lines.map((line) => line.replace(/.*(agency: .*)/, "$1"));
  const batch = (agency: number) => `agency: ${agency} | cantidad: 1`;
  const sums = ["agency: 1 | cantidad: 2", batch(2)];
  assertEquals(logged, [batch(1), batch(2), batch(1), ...sums, batch(3), batch(1)]);
});

Deno.test("Server refuses bets while the disk is full and stores them when there is room again", async () => {
  await using server = await startServer();
  using client = await server.connect();
  assertEquals(await client.ask(STORE_BET), STORED);
  server.disk.capacity = server.disk.used + STORE_BATCH.length / 2;
  assertEquals(await client.ask(STORE_BATCH), REFUSED);
  assertEquals(rowsOf(server.disk).length, 1);
  server.disk.capacity = Infinity;
  assertEquals(await client.ask(STORE_BATCH), STORED);
  assertEquals(rowsOf(server.disk).length, 3);
  assertEquals(server.failures, []);
});

Deno.test("Server ends the connection whose agency could not be closed", async () => {
  await using server = await startServer();
  using client = await server.connect();
  assertEquals(await client.ask(STORE_BET), STORED);
  server.disk.capacity = 0;
  await client.send("AgencyClose:1\n");
  assertEquals(await client.rest(), "");
  server.disk.capacity = Infinity;
  await closeAgencies(server, [1]);
  assertEquals(server.disk.text("agencies_closed.txt"), "1\n");
  const failure = server.lines.find((line) => line.startsWith("action: agency_close"));
  assertStringIncludes(failure ?? "", "No space left");
});

Deno.test("Server ends the connection without an answer after a failed sync, and refuses what follows", async () => {
  await using server = await startServer();
  using client = await server.connect();
  assertEquals(await client.ask(STORE_BET), STORED);
  server.disk.fault = ({ kind, file }) => {
    if (kind !== "sync" || file !== LOG_PREFIX) return undefined;
    server.disk.fault = () => undefined;
    return { kind: "fail" };
  };
  assertEquals(await client.ask(STORE_BATCH), "");
  using other = await server.connect();
  assertEquals(await other.ask(STORE_BATCH), REFUSED);
  assertEquals(server.failures.length, 1);
  // The batch without an answer was appended whole, and so is never taken back.
  assertEquals(rowsOf(server.disk).length, 3);
});

Deno.test("Server does not start if another program owns the broadcast port", async () => {
  const taken = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  await assertRejects(
    () => startServer({ broadcastPort: port, reusePort: false }),
    Error,
    `Cannot receive broadcasts on UDP port ${port}: Address already in use`,
  );
  taken.close();
});

Deno.test("Server survives clients that vanish at any moment", async () => {
  await using server = await startServer();
  for (const packet of ["", "Store", STORE_BATCH, "WinnersRequest:1\n", `${STORE_BATCH}junk\n`]) {
    for (let time = 0; time < 5; time++) {
      const client = await server.connect();
      await client.send(packet);
      client.close();
    }
  }
  await servesHonestClient(server);
});
