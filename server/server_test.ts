import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { createHash } from "node:crypto";
import { type Hold, MemoryDisk } from "./testing/memory_disk.ts";
import { startServer, type TestClient, type TestServer } from "./testing/start_server.ts";
import { rowsOf } from "./testing/witness.ts";
import { openUdpPort } from "./testing/udp_port.ts";

const STORE_BET = "StoreBet:1;Juan;Perez;12345678;1980-01-01;1234\n";
const STORE_BATCH =
  "StoreBatch:1;Juan;Perez;12345678;1980-01-01;5423:Maria;Gomez;87654321;1999-10-25;1234\n";
const STORE_BATCH_OTHER =
  "StoreBatch:2:Juan;Perez;12345678;1980-01-01;5423:Maria;Gomez;87654321;1999-10-25;1234\n";
const STORED = "StoreResponse:0\n";
const REFUSED = "StoreResponse:1\n";

/** Closes agencies and waits until the server has closed them. */
async function closeAgencies(server: TestServer, agencies: number[]): Promise<void> {
  using client = await server.connect();
  await client.send(agencies.map((agency) => `AgencyClose:${agency}\n`).join(""));
  await client.ask("ProgressRequest:1\n");
}

/** A client whose session waits for the draw. */
async function waitingClient(server: TestServer, agency = 1): Promise<TestClient> {
  const client = await server.connect();
  const looked = server.looked();
  await client.send(`WinnersRequest:${agency}\n`);
  await looked;
  return client;
}

/** Asserts that the next client is served. */
async function servesHonestClient(server: TestServer): Promise<void> {
  using client = await server.connect();
  const progress = await client.ask("ProgressRequest:5\n");
  const bets = Number(progress.slice("ProgressResponse:".length));
  assertEquals(await client.ask("StoreBet:5;Ana;Paz;1;1980-01-01;1\n"), STORED);
  assertEquals(await client.ask("ProgressRequest:5\n"), `ProgressResponse:${bets + 1}\n`);
}

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

const BET = "Ana;Paz;1;1980-01-01;1";
const BAD_STORES: Record<string, string | Uint8Array> = {
  "an empty StoreBet": "StoreBet:\n",
  "a StoreBet without bet": "StoreBet:1\n",
  "a StoreBet with an empty bet": "StoreBet:1;\n",
  "an empty StoreBatch": "StoreBatch:\n",
  "a StoreBatch without bets": "StoreBatch:1;\n",
  "a StoreBatch without bets in the other spelling": "StoreBatch:1:\n",
  "a batch whose last bet is empty": `StoreBatch:1;${BET}:\n`,
  "a batch whose middle bet is empty": `StoreBatch:1;${BET}::${BET}\n`,
  "agency 0": `StoreBet:0;${BET}\n`,
  "an agency too high": `StoreBet:6;${BET}\n`,
  "an agency below zero": `StoreBet:-1;${BET}\n`,
  "an agency that is no number": `StoreBatch:x;${BET}\n`,
  "an agency with a space": `StoreBet: 1;${BET}\n`,
  "an agency of 400 digits": `StoreBet:${"1".repeat(400)};${BET}\n`,
  "two bets in a StoreBet": `StoreBet:1;${BET}:${BET}\n`,
  "a StoreBet in the spelling of a batch": `StoreBet:1:${BET}\n`,
  "a field too few": "StoreBet:1;Ana;Paz;1;1980-01-01\n",
  "a field too many": `StoreBet:1;${BET};1\n`,
  "an empty first name": "StoreBet:1;;Paz;1;1980-01-01;1\n",
  "an empty document": "StoreBet:1;Ana;Paz;;1980-01-01;1\n",
  "a name of 65 bytes": `StoreBet:1;${"x".repeat(65)};Paz;1;1980-01-01;1\n`,
  "a document of 21 bytes": `StoreBet:1;Ana;Paz;${"1".repeat(21)};1980-01-01;1\n`,
  "a day that does not exist": "StoreBet:1;Ana;Paz;1;1981-02-29;1\n",
  "a birthdate in the future": "StoreBet:1;Ana;Paz;1;9999-01-01;1\n",
  "a birthdate in words": "StoreBet:1;Ana;Paz;1;1980/01/01;1\n",
  "number 10000": "StoreBet:1;Ana;Paz;1;1980-01-01;10000\n",
  "number 17574": "StoreBet:1;Ana;Paz;1;1980-01-01;17574\n",
  "a number below zero": "StoreBet:1;Ana;Paz;1;1980-01-01;-1\n",
  "a number followed by a space": "StoreBet:1;Ana;Paz;1;1980-01-01;1 \n",
  "a control character": "StoreBet:1;An\x00a;Paz;1;1980-01-01;1\n",
  "a lone carriage return": "StoreBet:1;An\ra;Paz;1;1980-01-01;1\n",
  "bytes that are no UTF-8": Uint8Array.of(
    ...new TextEncoder().encode("StoreBet:1;"),
    0xff,
    0xc0,
    ...new TextEncoder().encode(";Paz;1;1980-01-01;1\n"),
  ),
  "one bad bet among good ones": `StoreBatch:1;${BET}:${BET}:Ana;Paz;1;1980-13-01;1:${BET}\n`,
};

Deno.test("Server refuses an invalid Store packet and keeps the connection", async (test) => {
  await using server = await startServer();
  for (const [name, packet] of Object.entries(BAD_STORES)) {
    await test.step(name, async () => {
      using client = await server.connect();
      await client.send(packet);
      assertEquals(await client.line(), REFUSED);
      assertEquals(await client.ask("ProgressRequest:1\n"), "ProgressResponse:0\n");
      await servesHonestClient(server);
    });
  }
  assert(rowsOf(server.disk).every(([agency]) => agency === "5"));
  const reason = server.lines.find((line) => line.includes("bet 3: birthdate"));
  assertMatch(reason ?? "", /^action: apuestas_almacenadas \| result: fail .*bet 3: birthdate/);
});

const BAD_PACKETS: Record<string, string | Uint8Array> = {
  "an empty line": "\n",
  "a line without type": "hello\n",
  "an unknown type": "StoreAll:1\n",
  "a type in lower case": `storebet:1;${BET}\n`,
  "a space before the type": ` StoreBet:1;${BET}\n`,
  "a type without colon": "WinnersRequest\n",
  "a type with a byte order mark": `\ufeffStoreBet:1;${BET}\n`,
  "an answer": "StoreResponse:0\n",
  "an AgencyClose without agency": "AgencyClose:\n",
  "an AgencyClose of agency 0": "AgencyClose:0\n",
  "an AgencyClose of an agency too high": "AgencyClose:6\n",
  "an AgencyClose followed by more": "AgencyClose:1;2\n",
  "an AgencyClose of no number": "AgencyClose:1e0\n",
  "a WinnersRequest of agency 0": "WinnersRequest:0\n",
  "a WinnersRequest of an agency too high": "WinnersRequest:99999999999999999999\n",
  "a ProgressRequest of agency 6": "ProgressRequest:6\n",
  "a ProgressRequest without agency": "ProgressRequest:\n",
  "a DigestRequest of agency 6": "DigestRequest:6\n",
  "a DigestRequest without agency": "DigestRequest:\n",
  "a request of the web": "GET / HTTP/1.1\r\nHost: lottery\r\n\r\n",
  "a hello of TLS": Uint8Array.of(0x16, 0x03, 0x01, 0x00, 0x0a, 0x01, 0x00, 0x0a),
  "zeros": new Uint8Array(1000).with(999, 0x0a),
};

Deno.test("Server closes the connection after a line that is not a packet", async (test) => {
  await using server = await startServer();
  for (const [name, packet] of Object.entries(BAD_PACKETS)) {
    await test.step(name, async () => {
      using client = await server.connect();
      assertEquals(await client.ask(STORE_BET), STORED);
      // The packets after it are read but not answered.
      await client.send(packet);
      await client.send(STORE_BET.repeat(2000));
      await client.endSending();
      assertEquals(await client.rest(), "");
      assertEquals(client.wasReset, false);
      await servesHonestClient(server);
    });
  }
  const stored = rowsOf(server.disk).filter(([agency]) => agency === "1");
  assertEquals(stored.length, Object.keys(BAD_PACKETS).length);
  assertEquals(server.disk.text("agencies_closed.txt"), "");
  const refusals = server.lines.filter((line) => /^action: receive_message .* error: /.test(line));
  assertEquals(refusals.length, Object.keys(BAD_PACKETS).length);
});

Deno.test("Server stores the longest packet and refuses one a byte longer", async () => {
  const packetBytesMax = 1000;
  await using server = await startServer({ packetBytesMax });
  using client = await server.connect();
  const start = `StoreBatch:1;${Array(40).fill(BET).join(":")}:Ana;Paz;1;1980-01-01;1`;
  const fill = packetBytesMax - start.length - 1;
  const packet = start.replace(
    /Ana;Paz/g,
    (name, at) => at < 20 ? `Ana${"a".repeat(fill)};Paz` : name,
  );
  assertEquals(packet.length + 1, packetBytesMax);
  assertEquals(await client.ask(`${packet}\n`), STORED);
  assertEquals(await client.ask(`${packet.replace("Paz", "Pazz")}\n`), REFUSED);
  assertEquals(await client.rest(), "");
});

const LONG_PACKETS = [
  { name: "a Store packet", start: "StoreBatch:1;", length: 100_000, end: "\n", answer: REFUSED },
  {
    name: "an endless Store packet",
    start: "StoreBet:1;",
    length: 70_000,
    end: "",
    answer: REFUSED,
  },
  {
    name: "a huge Store packet",
    start: "StoreBatch:",
    length: 900_000,
    end: "\n",
    answer: REFUSED,
  },
  { name: "another packet", start: "AgencyClose:", length: 100_000, end: "\n", answer: "" },
  { name: "no packet at all", start: "x", length: 100_000, end: "", answer: "" },
];
for (const { name, start, length, end, answer } of LONG_PACKETS) {
  Deno.test(`Server ends the connection after ${name} over the limit`, async () => {
    await using server = await startServer();
    using client = await server.connect();
    await client.send(STORE_BET + start.padEnd(length, "1") + end);
    await client.endSending();
    assertEquals(await client.rest(), STORED + answer);
    // A reset could have discarded the answer.
    assertEquals(client.wasReset, false);
    assertEquals(rowsOf(server.disk).length, 1);
    await servesHonestClient(server);
  });
}

Deno.test("Server answers a client that never stops sending before it ends the connection", async () => {
  await using server = await startServer();
  using client = await server.connect();
  const answer = client.line();
  await client.sendUntilClosed(new TextEncoder().encode("StoreBatch:1;".padEnd(8_000_000, "x")));
  assertEquals(await answer, REFUSED);
  await servesHonestClient(server);
});

Deno.test("Servers answer all waiting clients when the datagram of the last close arrives", async () => {
  using broadcast = openUdpPort();
  const disk = new MemoryDisk();
  await using one = await startServer({ disk, broadcastPort: broadcast.port });
  await using two = await startServer({ disk, broadcastPort: broadcast.port });
  using store = await one.connect();
  assertEquals(await store.ask("StoreBet:3;Eva;Rey;42;1990-05-05;7574\n"), STORED);
  const clients = [
    await waitingClient(one, 1),
    await waitingClient(one, 3),
    await waitingClient(two, 3),
    await waitingClient(two, 3),
    await waitingClient(two, 4),
  ];
  await closeAgencies(one, [1, 2, 3, 4]);
  await closeAgencies(two, [5]);
  const answers = await Promise.all(clients.map((client) => client.line()));
  const [none, winner] = ["WinnersResponse:\n", "WinnersResponse:42\n"];
  assertEquals(answers, [none, winner, winner, winner, none]);
  const [payload] = await broadcast.socket.receive();
  assertEquals(new TextDecoder().decode(payload), "bet_ended");
  for (const { lines } of [one, two]) {
    assertEquals(lines.filter((line) => line.startsWith("action: sorteo")), [
      "action: sorteo | result: success | numero_ganador: 7574",
    ]);
  }
  for (const client of clients) client.close();
});

Deno.test("Servers answer waiting clients although the datagram is lost", async () => {
  const disk = new MemoryDisk();
  // Each has its own broadcast port, so neither receives datagrams of the other.
  await using one = await startServer({ disk, drawPollMs: 20 });
  await using two = await startServer({ disk, drawPollMs: 20 });
  using client = await waitingClient(one, 1);
  await closeAgencies(two, [1, 2, 3, 4, 5]);
  assertEquals(await client.line(), "WinnersResponse:\n");
});

Deno.test("Server only looks for the draw when a datagram is forged, duplicated or malformed", async () => {
  using broadcast = openUdpPort();
  await using server = await startServer({ broadcastPort: broadcast.port });
  using client = await waitingClient(server, 1);
  const target: Deno.NetAddr = { transport: "udp", hostname: "127.0.0.1", port: 0 };
  using forger = openUdpPort();
  const everyone = { ...target, hostname: "127.255.255.255", port: broadcast.port };
  for (const payload of ["nonsense", "", "bet_ended\n", "x".repeat(60_000)]) {
    await forger.socket.send(new TextEncoder().encode(payload), { ...everyone });
  }
  for (let time = 0; time < 3; time++) {
    const looked = server.looked();
    await forger.socket.send(new TextEncoder().encode("bet_ended"), { ...everyone });
    await looked;
  }
  assert(!server.lines.some((line) => line.startsWith("action: sorteo")));
  using late = await server.connect();
  assertEquals(await late.ask("StoreBet:1;Eva;Rey;42;1990-05-05;7574\n"), STORED);
  await closeAgencies(server, [1, 2, 3, 4, 5]);
  await forger.socket.send(new TextEncoder().encode("bet_ended"), { ...everyone });
  assertEquals(await client.line(), "WinnersResponse:42\n");
  await client.endSending();
  assertEquals(await client.rest(), "");
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
  using waiting = await waitingClient(server, 1);
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
  await closeAgencies(server, [1, 2, 3, 4, 5]);
  assertEquals(await waiting.line(), "WinnersResponse:\n");
  assertEquals(rowsOf(server.disk).length, 1);
});

Deno.test("Server does not mistake a slow disk for an idle client", async () => {
  using time = new FakeTime();
  await using server = await startServer({ idleMs: 60_000 });
  using client = await server.connect();
  const hold = server.disk.hold("sync", "bets.csv");
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
  const hold = server.disk.hold("sync", "bets.csv");
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

Deno.test("Server refuses a batch if others have stored bets since its client asked for progress", async () => {
  const disk = new MemoryDisk();
  await using one = await startServer({ disk });
  await using two = await startServer({ disk });
  using first = await one.connect();
  assertEquals(await first.ask("ProgressRequest:1\n"), "ProgressResponse:0\n");
  assertEquals(await first.ask(STORE_BATCH), STORED);
  assertEquals(await first.ask(STORE_BATCH), STORED);
  using second = await two.connect();
  assertEquals(await second.ask("ProgressRequest:1\n"), "ProgressResponse:4\n");
  assertEquals(await second.ask(STORE_BET), STORED);
  assertEquals(await first.ask(STORE_BATCH), REFUSED);
  assertEquals(await first.ask(STORE_BATCH), REFUSED);
  // Bets of another agency, and a client that never asked, are not affected.
  assertEquals(await first.ask(STORE_BATCH_OTHER), STORED);
  using third = await one.connect();
  assertEquals(await third.ask(STORE_BATCH), STORED);
  assertEquals(await first.ask("ProgressRequest:1\n"), "ProgressResponse:7\n");
  assertEquals(await first.ask(STORE_BATCH), STORED);
  assertEquals(rowsOf(disk).length, 11);
});

for (const type of ["Progress", "Digest"]) {
  Deno.test(`Server ends a connection after the ${type}Response of an agency too many`, async () => {
    const disk = new MemoryDisk();
    await using one = await startServer({ disk, agenciesPerConnectionMax: 2 });
    await using two = await startServer({ disk });
    using client = await one.connect();
    assertEquals(await client.ask("ProgressRequest:1\n"), "ProgressResponse:0\n");
    assertMatch(await client.ask(`${type}Request:2\n`), /^\w+Response:0/);
    // It may ask about these again, and is kept from doubling any bet of theirs.
    assertEquals(await client.ask("ProgressRequest:1\n"), "ProgressResponse:0\n");
    using other = await two.connect();
    assertEquals(await other.ask(STORE_BATCH), STORED);
    assertEquals(await other.ask(STORE_BATCH_OTHER), STORED);
    assertEquals(await client.ask(STORE_BATCH), REFUSED);
    assertEquals(await client.ask(STORE_BATCH_OTHER), REFUSED);
    // The number for a third agency could not be kept: a batch after it might be stored twice.
    await client.send(`${type}Request:3\nStoreBet:3;Ana;Paz;1;1980-01-01;1\n`);
    assertMatch(await client.line(), /^\w+Response:0/);
    await client.endSending();
    assertEquals(await client.rest(), "");
    assertEquals(client.wasReset, false);
    assertEquals(rowsOf(disk).length, 4);
  });
}

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

Deno.test("Server refuses the bets of an agency that another server has closed", async () => {
  const disk = new MemoryDisk();
  await using one = await startServer({ disk });
  await using two = await startServer({ disk });
  using client = await two.connect();
  assertEquals(await client.ask(STORE_BET), STORED);
  await closeAgencies(one, [1]);
  assertEquals(await client.ask(STORE_BET), REFUSED);
  assertEquals(await client.ask(STORE_BATCH_OTHER), STORED);
  assertEquals(rowsOf(disk).length, 3);
});

Deno.test("Server answers a DigestRequest with the number and the SHA-256 of the agency's rows", async () => {
  const disk = new MemoryDisk();
  await using one = await startServer({ disk });
  await using two = await startServer({ disk });
  using client = await one.connect();
  assertEquals(await client.ask("DigestRequest:1\n"), `DigestResponse:0;${sha256("")}\n`);
  assertEquals(await client.ask(STORE_BATCH), STORED);
  using other = await two.connect();
  assertEquals(await other.ask(STORE_BATCH_OTHER), STORED);
  const rows = "1,Juan,Perez,12345678,1980-01-01,5423\n1,Maria,Gomez,87654321,1999-10-25,1234\n";
  const answer = `DigestResponse:2;${sha256(rows)}\n`;
  assertEquals(await client.ask("DigestRequest:1\n"), answer);
  assertEquals(await other.ask("DigestRequest:1\nProgressRequest:1\n"), answer);
  assertEquals(await other.line(), "ProgressResponse:2\n");
});

Deno.test("Server refuses a batch if others have stored bets since its client asked for a digest", async () => {
  await using server = await startServer();
  using client = await server.connect();
  await client.ask("DigestRequest:1\n");
  assertEquals(await client.ask(STORE_BATCH), STORED);
  using other = await server.connect();
  assertEquals(await other.ask(STORE_BET), STORED);
  assertEquals(await client.ask(STORE_BATCH), REFUSED);
  await client.ask("DigestRequest:1\n");
  assertEquals(await client.ask(STORE_BATCH), STORED);
  assertEquals(rowsOf(server.disk).length, 5);
});

/** SHA-256 of a text in UTF-8, in hexadecimal. */
function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

Deno.test("Server accepts a repeated close, and broadcasts it once", async () => {
  await using server = await startServer({ agencies: 2 });
  await closeAgencies(server, [1, 1, 2, 2, 1]);
  assertEquals(server.disk.text("agencies_closed.txt"), "1\n2\n");
  assertEquals(server.lines.filter((line) => line.startsWith("action: broadcast")).length, 1);
  assertEquals(server.lines.filter((line) => line.startsWith("action: sorteo")).length, 1);
  assertEquals(server.lines.filter((line) => line.startsWith("action: agency_close")), [
    "action: agency_close | result: success | agency: 1",
    "action: agency_close | result: success | agency: 1 | repeated: true",
    "action: agency_close | result: success | agency: 2",
    "action: agency_close | result: success | agency: 2 | repeated: true",
    "action: agency_close | result: success | agency: 1 | repeated: true",
  ]);
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

Deno.test("Server refuses bets after a failed sync, and reports the failure once", async () => {
  await using server = await startServer();
  using client = await server.connect();
  assertEquals(await client.ask(STORE_BET), STORED);
  server.disk.fault = ({ kind, file }) => {
    if (kind !== "sync" || file !== "bets.csv") return undefined;
    server.disk.fault = () => undefined;
    return { kind: "fail" };
  };
  assertEquals(await client.ask(STORE_BATCH), REFUSED);
  assertEquals(await client.ask(STORE_BATCH), REFUSED);
  assertEquals(server.failures.length, 1);
  assertEquals(rowsOf(server.disk).length, 1);
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
