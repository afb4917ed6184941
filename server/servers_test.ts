/**
 * Servers that share a volume: the draw, and what each refuses because of the others.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { createHash } from "node:crypto";
import { MemoryDisk } from "./testing/memory_disk.ts";
import { startServer } from "./testing/start_server.ts";
import { rowsOf } from "./testing/witness.ts";
import { openUdpPort } from "./testing/udp_port.ts";
import {
  closeAgencies,
  REFUSED,
  STORE_BATCH,
  STORE_BATCH_OTHER,
  STORE_BET,
  STORED,
  waitingClient,
} from "./testing/requests.ts";

Deno.test("Servers answer all waiting clients when the datagram of the last close arrives", async () => {
  using broadcast = openUdpPort();
  const disk = new MemoryDisk();
  await using one = await startServer({ disk, broadcastPort: broadcast.port });
  await using two = await startServer({ disk, broadcastPort: broadcast.port });
  using store = await one.connect();
  assertEquals(await store.ask("StoreBet:3;Eva;Rey;42;1990-05-05;7574\n"), STORED);
  const clients = [
    await waitingClient(one, { agency: 1 }),
    await waitingClient(one, { agency: 3 }),
    await waitingClient(two, { agency: 3 }),
    await waitingClient(two, { agency: 3 }),
    await waitingClient(two, { agency: 4 }),
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
  using client = await waitingClient(one, { agency: 1 });
  await closeAgencies(two);
  assertEquals(await client.line(), "WinnersResponse:\n");
});

Deno.test("Server only looks for the draw when a datagram is forged, duplicated or malformed", async () => {
  using broadcast = openUdpPort();
  await using server = await startServer({ broadcastPort: broadcast.port });
  using client = await waitingClient(server, { agency: 1 });
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
  await closeAgencies(server);
  await forger.socket.send(new TextEncoder().encode("bet_ended"), { ...everyone });
  assertEquals(await client.line(), "WinnersResponse:42\n");
  await client.endSending();
  assertEquals(await client.rest(), "");
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
