/**
 * Accepts that fail: connections that were reset, and a server without file handles.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { needs } from "../testing/needs.ts";
import { resetConnection } from "./testing/reset_connection.ts";
import { startServer, type TestClient } from "./testing/start_server.ts";
import {
  assertServed,
  closeAgencies,
  closeAll,
  NO_BETS,
  PROGRESS,
  servedClient,
  servedClients,
  waitingClient,
} from "./testing/requests.ts";

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
    // No timer can run: a pause would last forever.
    using _client = await servedClient(server);
  }
  assertEquals(server.acceptErrors, []);
  assert(!server.lines.some((line) => line.startsWith("action: accept") && line.includes("WARN")));
  // Nobody's idle time was shortened.
  await time.tickAsync(59_000);
  await assertServed(idle);
});

Deno.test({
  ...needs(["net"], "Server answers honest clients at once while other connections are reset"),
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
  // Clients that keep it waiting are idle for less time.
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
