import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { decodeStoreResponse } from "../shared/mod.ts";
import { connect, Connection, ConnectionError } from "./connection.ts";
import type { Transport } from "./dialer.ts";
import { FakeNetwork, type Handler } from "./testing/fake_network.ts";

const PACKET = new TextEncoder().encode("StoreBet:1;Ana;Gil;30;1999-01-31;42\n");
const ADDRESS = { hostname: "10.0.0.1", port: 12345 };
const TIMEOUT_MS = 10_000;

async function connectTo(
  handler: Handler,
  options: { answerBytesMax?: number; onSilence?: () => void } = {},
): Promise<Connection> {
  const dialer = new FakeNetwork({ accept: () => handler, ...options });
  return await connect(ADDRESS, { dialer, timeoutMs: TIMEOUT_MS });
}

Deno.test("Connection.ask() assembles an answer from its pieces", async () => {
  const packets: string[] = [];
  using connection = await connectTo((packet) => {
    packets.push(packet);
    return { answer: "StoreResponse:1\r\n" };
  }, { answerBytesMax: 1 });
  for (let count = 0; count < 3; count++) {
    assertEquals(await connection.ask(PACKET, decodeStoreResponse), 1);
  }
  assertEquals(packets, Array(3).fill("StoreBet:1;Ana;Gil;30;1999-01-31;42"));
  assertEquals(connection.address, "10.0.0.1:12345");
});

Deno.test("Connection.ask() reports how the connection failed", async (t) => {
  const table = [
    {
      name: "closed in good order",
      reaction: "close",
      failure: "closed",
      message: "closed the connection",
    },
    { name: "reset", reaction: "reset", failure: "broken", message: "the connection broke" },
    {
      name: "an answer of another type",
      reaction: { answer: "Winners:1\n" },
      failure: "broken",
      message: "is not a valid StoreResponse",
    },
    {
      name: "an answer that is too long",
      reaction: { answer: "x".repeat(128) },
      failure: "broken",
      message: "longer than 128 bytes",
    },
    {
      name: "a second answer",
      reaction: { answer: "StoreResponse:0\n\n" },
      failure: "broken",
      message: "more than one answer",
    },
  ] as const;
  for (const { name, reaction, failure, message } of table) {
    await t.step(name, async () => {
      using connection = await connectTo(() => reaction);
      const error = await assertRejects(
        () => connection.ask(PACKET, decodeStoreResponse),
        ConnectionError,
      );
      assertEquals(error.failure, failure);
      assertStringIncludes(error.message, message);
    });
  }
});

Deno.test("Connection.ask() distinguishes a truncated answer from none", async () => {
  let packets = 0;
  using connection = await connectTo(() => ++packets === 1 ? { answer: "StoreRes" } : "close");
  const both = new Uint8Array([...PACKET, ...PACKET]);
  const error = await assertRejects(
    () => connection.ask(both, decodeStoreResponse),
    ConnectionError,
  );
  assertEquals(error.failure, "broken");
  assertStringIncludes(error.message, "within its answer");
});

Deno.test("Connection.ask() throws when no answer arrives in time", async () => {
  using time = new FakeTime();
  using connection = await connectTo(() => "silence", { onSilence: () => time.tick(TIMEOUT_MS) });
  const error = await assertRejects(
    () => connection.ask(PACKET, decodeStoreResponse),
    ConnectionError,
  );
  assertEquals(error.failure, "silent");
  assertStringIncludes(error.message, "within 10 s");
});

Deno.test("Connection.ask() limits the silence, not the duration, of a long answer", async () => {
  using time = new FakeTime();
  let isClosed = false;
  const pieces = ["StoreResp", "onse:", "0\n"];
  const transport: Transport = {
    write: (bytes) => Promise.resolve(bytes.length),
    read(bytes) {
      time.tick(TIMEOUT_MS - 1);
      if (isClosed) return Promise.reject(new Deno.errors.Interrupted("closed"));
      return Promise.resolve(new TextEncoder().encodeInto(pieces.shift()!, bytes).written);
    },
    close: () => void (isClosed = true),
  };
  const dialer = { resolve: () => Promise.resolve([]), connect: () => Promise.resolve(transport) };
  using connection = await connect(ADDRESS, { dialer, timeoutMs: TIMEOUT_MS });
  assertEquals(await connection.ask(PACKET, decodeStoreResponse), 0);
});

Deno.test("Connection.ask() rethrows the client's own mistakes", async () => {
  using connection = await connectTo(() => ({ answer: "StoreResponse:0\n" }));
  const mistaken = () => {
    throw new TypeError("a mistake");
  };
  await assertRejects(() => connection.ask(PACKET, mistaken), TypeError, "a mistake");
});

Deno.test("connect() gives up in time, and closes a connection that is made late", async () => {
  using time = new FakeTime();
  const late = Promise.withResolvers<Transport>();
  const closed = Promise.withResolvers<void>();
  const dialer = { resolve: () => Promise.resolve([]), connect: () => late.promise };
  const connecting = connect(ADDRESS, { dialer, timeoutMs: TIMEOUT_MS });
  time.tick(TIMEOUT_MS);
  const error = await assertRejects(() => connecting, ConnectionError);
  assertEquals(error.failure, "silent");
  late.resolve({
    read: () => Promise.resolve(null),
    write: () => Promise.resolve(0),
    close: () => closed.resolve(),
  });
  await closed.promise;
});

Deno.test("Connection.requireOpen() throws when the server closes, and loses no byte of an answer", async () => {
  using waiting = await connectTo(() => ({ answer: "StoreResponse:1\n" }));
  await waiting.requireOpen(1);
  assertEquals(await waiting.ask(PACKET, decodeStoreResponse), 1);

  const closed = { read: () => Promise.resolve(null), write: () => Promise.resolve(1), close() {} };
  const error = await assertRejects(
    () => new Connection(closed, "10.0.0.2:1", TIMEOUT_MS).requireOpen(TIMEOUT_MS),
    ConnectionError,
  );
  assertEquals(error.failure, "broken");
});
