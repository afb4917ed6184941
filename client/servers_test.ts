import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ConnectionError } from "./connection.ts";
import type { Dialer } from "./dialer.ts";
import { UnreachableError } from "./retry.ts";
import { Servers, type ServersOptions } from "./servers.ts";
import { FakeNetwork } from "./testing/fake_network.ts";
import { testLog } from "./testing/test_log.ts";

/** Returns servers that refuse connections unless `options` has a dialer. Pauses only advance the clock. */
function setUp(options: Partial<ServersOptions> = {}) {
  const network = new FakeNetwork({
    addresses: ["10.0.0.1", "10.0.0.2", "10.0.0.3"],
    accept: () => {
      throw new Deno.errors.ConnectionRefused("connection refused");
    },
  });
  const pauses: number[] = [];
  let nowMs = 0;
  const { log, lines } = testLog();
  const servers = new Servers({
    host: "server",
    port: 12345,
    answerTimeoutMs: 10_000,
    retryMs: 10_000,
    log,
    dialer: network,
    random: () => 0,
    now: () => nowMs,
    sleep(timeMs) {
      pauses.push(timeMs);
      nowMs += timeMs;
      return Promise.resolve();
    },
    ...options,
  });
  return { servers, network, pauses, lines };
}

Deno.test("Servers.use() tries all addresses in turn, and gives up in time", async () => {
  const { servers, network, pauses } = setUp();
  using _ = servers;
  const error = await assertRejects(() => servers.use(() => Promise.resolve()), UnreachableError);
  assertStringIncludes(
    error.message,
    "Cannot reach server:12345: all attempts have failed for 10 s",
  );
  assertStringIncludes(error.message, "connection refused");
  assertEquals(network.dialed.slice(0, 4), ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.1"]);
  assertEquals(pauses.slice(0, 7), [50, 100, 200, 400, 800, 1000, 1000]);
});

Deno.test("Servers.use() starts at a random address, and randomizes its pauses", async () => {
  const { servers, network, pauses } = setUp({ random: () => 0.9 });
  using _ = servers;
  await assertRejects(() => servers.use(() => Promise.resolve()), UnreachableError);
  assertEquals(network.dialed.slice(0, 3), ["10.0.0.3", "10.0.0.1", "10.0.0.2"]);
  assertEquals(pauses.slice(0, 2), [95, 190]);
});

Deno.test("Servers.use() dials the host itself when it has no addresses, or is one", async () => {
  for (const host of ["server", "127.0.0.1", "localhost"]) {
    const dialed: string[] = [];
    const dialer: Dialer = {
      resolve: () => Promise.reject(new Deno.errors.NotFound("no record")),
      connect({ hostname }) {
        dialed.push(hostname);
        return Promise.reject(new Deno.errors.ConnectionRefused("refused"));
      },
    };
    const { servers } = setUp({ host, dialer });
    using _ = servers;
    await assertRejects(() => servers.use(() => Promise.resolve()), UnreachableError);
    assertEquals(new Set(dialed), new Set([host]));
  }
});

Deno.test("Servers.use() keeps a connection, and replaces it when it fails", async () => {
  const network = new FakeNetwork({ accept: () => () => ({ answer: "" }) });
  const { servers, lines } = setUp({ dialer: network });
  using _ = servers;
  await servers.use(() => Promise.resolve());
  await servers.use(() => Promise.resolve());
  assertEquals(network.dialed.length, 1);
  let tries = 0;
  const result = await servers.use(() => {
    if (++tries === 1) throw new ConnectionError("broken", "it broke");
    return Promise.resolve("done");
  });
  assertEquals(result, "done");
  assertEquals(network.dialed.length, 2);
  assertEquals(lines, [
    "DEBUG    action: connect | result: success | address: 10.0.0.1:12345",
    "WARN     action: connect | result: fail | address: 10.0.0.1:12345 | error: it broke",
    "INFO     action: connect | result: success | address: 10.0.0.1:12345",
  ]);
});

Deno.test("Servers.use() logs repeated failures at most once per interval, with their number", async () => {
  const dialer: Dialer = {
    resolve: () => Promise.resolve(["10.0.0.1", "10.0.0.2"]),
    connect: () => Promise.reject(new Deno.errors.ConnectionRefused("refused")),
  };
  const { servers, lines } = setUp({ dialer, retryMs: 60_000 });
  using _ = servers;
  await assertRejects(() => servers.use(() => Promise.resolve()), UnreachableError);
  const failures = lines.filter((line) => line.includes("action: connect"));
  assert(
    failures.length > 2 && failures.length < 8,
    `${failures.length} lines:\n${failures.join("\n")}`,
  );
  const times = failures.map((line) => Number(/times: (\d+)$/.exec(line)?.[1] ?? 1));
  assertEquals(times[0], 1);
  assert(times.slice(1).every((count) => count > 1), times.join(" "));
});

Deno.test("Servers.use() does not retry an error of the work itself", async () => {
  const network = new FakeNetwork({ accept: () => () => ({ answer: "" }) });
  const { servers } = setUp({ dialer: network });
  using _ = servers;
  await assertRejects(() => servers.use(() => Promise.reject(new Error("mine"))), Error, "mine");
  assertEquals(network.dialed.length, 1);
});

Deno.test("Retry.failed() starts over after an attempt has succeeded", async () => {
  const { servers, pauses } = setUp({ retryMs: 1 });
  using _ = servers;
  const retry = servers.retry();
  const error = new ConnectionError("broken", "it broke");
  for (let count = 0; count < 3; count++) {
    await retry.failed(error);
    retry.succeeded();
  }
  assertEquals(pauses, [50, 50, 50]);
  await retry.failed(error);
  await assertRejects(() => retry.failed(error), UnreachableError);
});
