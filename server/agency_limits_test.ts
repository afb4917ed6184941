import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { REFUSED, STORE_BATCH, STORE_BET, STORED } from "./testing/requests.ts";
import { startServer } from "./testing/start_server.ts";

/** A batch of agency 1. */
function batch(bets: number): string {
  const list = Array.from({ length: bets }, () => "Ana;Paz;1;1980-01-01;1");
  return `StoreBatch:1;${list.join(":")}\n`;
}

Deno.test("Server delays the answer to bets beyond SERVER_MAX_BETS_PER_SECOND, over all connections", async () => {
  using time = new FakeTime();
  await using server = await startServer({ betsPerSecondMax: 100 });
  using one = await server.connect();
  using other = await server.connect();
  assertEquals(await one.ask(batch(60)), STORED);
  assertEquals(await other.ask(batch(40)), STORED);
  assertEquals(server.server.connections().delayedBatches, 0);
  await one.send(batch(50));
  await other.send("ProgressRequest:1\n");
  // What is not a bet is not delayed, and the batch is not stored yet.
  assertEquals(await other.line(), "ProgressResponse:100\n");
  while (server.server.connections().delayedBatches === 0) await time.tickAsync(0);
  await other.send("StoreBet:2;Ana;Paz;1;1980-01-01;1\n");
  assertEquals(await other.line(), STORED, "another agency does not wait");
  await time.tickAsync(500);
  assertEquals(await one.line(), STORED);
  assertEquals(server.server.connections().delayedSeconds, 0.5);
  assertEquals(server.lines.filter((line) => line.includes("result: fail")), []);
});

Deno.test("Server that stops does not store the bets that wait for their turn", async () => {
  using time = new FakeTime();
  await using server = await startServer({ betsPerSecondMax: 10 });
  using client = await server.connect();
  assertEquals(await client.ask(batch(10)), STORED);
  await client.send(batch(10));
  while (server.server.connections().delayedBatches === 0) await time.tickAsync(0);
  await server.stop();
  assertEquals(await client.rest(), "");
  assertEquals(server.disk.text("bets.csv").trimEnd().split("\n").length, 10);
});

Deno.test("Server refuses the first connection of an agency beyond SERVER_MAX_CONNECTIONS_PER_AGENCY", async () => {
  await using server = await startServer({ connectionsPerAgencyMax: 2 });
  using first = await server.connect();
  using second = await server.connect();
  for (const [bets, client] of [first, second].entries()) {
    assertEquals(await client.ask("ProgressRequest:1\n"), `ProgressResponse:${bets}\n`);
    assertEquals(await client.ask(STORE_BET), STORED);
  }
  // A connection of another agency may have its place, but not become one of this agency.
  using third = await server.connect();
  assertEquals(await third.ask("ProgressRequest:2\n"), "ProgressResponse:0\n");
  assertEquals(await third.ask(STORE_BATCH), REFUSED);
  assertEquals(await third.rest(), "");
  const answers = [
    ["ProgressRequest:1\n", "ProgressResponse:"],
    ["DigestRequest:1\n", "DigestResponse:"],
    ["WinnersRequest:1\n", ""],
    ["AgencyClose:1\n", ""],
  ];
  for (const [request, answer] of answers) {
    using client = await server.connect();
    await client.send(request);
    assertEquals(await client.rest(), answer, request);
  }
  assertEquals(server.server.connections().refused, { tls: 0, keys: 0, agency: 5, place: 0 });
  const line = server.lines.find((line) =>
    line.includes("agency 1 may have no further connection")
  );
  assertStringIncludes(line!, "the agency has 2 connections (SERVER_MAX_CONNECTIONS_PER_AGENCY)");
  assert(
    !server.lines.some((line) => line.startsWith("action: agency_close")),
    "it has not closed",
  );
  // One that speaks for another agency, or ends, makes room.
  assertEquals(await first.ask("ProgressRequest:3\n"), "ProgressResponse:0\n");
  using fourth = await server.connect();
  assertEquals(await fourth.ask(STORE_BET), STORED);
  second.close();
  while (server.server.connections().served > 2) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  using fifth = await server.connect();
  assertEquals(await fifth.ask(STORE_BET), STORED);
});

Deno.test("Server counts connections that find no place", async () => {
  using _time = new FakeTime();
  await using server = await startServer({ connectionsMax: 1, listenBacklog: 1 });
  using first = await server.connect();
  assertEquals(await first.ask(STORE_BET), STORED);
  // Two may wait for each place.
  using _second = await server.connect();
  using _third = await server.connect();
  assertEquals(server.server.connections().refused.place, 0);
  using _fourth = await server.connect();
  await server.logged("too many connections need a place");
  assertEquals(server.server.connections().refused, { tls: 0, keys: 0, agency: 0, place: 1 });
});
