import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { BetDecoder } from "../shared/mod.ts";
import { DrawWatch } from "./draw_watch.ts";
import { Session } from "./session.ts";
import { AGENCIES, openLedger, WINNING_NUMBER } from "./testing/ledgers.ts";
import { MemoryDisk } from "./testing/memory_disk.ts";
import type { Connection } from "./transport/entrance.ts";

/** A connection that records what is done with it. */
class FakeConnection implements Connection {
  readonly events: string[] = [];
  /** What the peer sends, piece by piece; after the last piece it is silent. */
  readonly #pieces: (Uint8Array | null)[];
  readonly #silence = Promise.withResolvers<void>();
  /** Settles when everything has been read and more is awaited. */
  readonly isSilent = this.#silence.promise;
  #fail: (error: Error) => void = () => {};

  constructor(pieces: (string | number | null)[]) {
    this.#pieces = pieces.map((piece) =>
      typeof piece === "number"
        ? new Uint8Array(piece).fill(0x78)
        : piece === null
        ? null
        : new TextEncoder().encode(piece)
    );
  }

  read(bytes: Uint8Array): Promise<number | null> {
    if (this.#pieces.length === 0) {
      this.events.push("waits");
      this.#silence.resolve();
      return new Promise((_, reject) => this.#fail = reject);
    }
    const piece = this.#pieces.shift()!;
    if (piece === null) {
      this.events.push("end");
      return Promise.resolve(null);
    }
    const taken = piece.subarray(0, bytes.length);
    if (taken.length < piece.length) this.#pieces.unshift(piece.subarray(taken.length));
    bytes.set(taken);
    if (this.events.at(-1) !== "read") this.events.push("read");
    return Promise.resolve(taken.length);
  }

  write(bytes: Uint8Array): Promise<number> {
    this.events.push(new TextDecoder().decode(bytes));
    return Promise.resolve(bytes.length);
  }

  closeWrite(): Promise<void> {
    this.events.push("closeWrite");
    return Promise.resolve();
  }

  close(): void {
    this.events.push("close");
    this.#fail(new Deno.errors.BadResource());
  }
}

/** Runs a session over a connection, from its start to its end. */
async function converse(connection: Connection, { failing = false } = {}): Promise<void> {
  const process = new MemoryDisk().process();
  const { ledger, log } = await openLedger(process);
  if (failing) process.kill();
  await using _ledger = ledger;
  const draw = new DrawWatch(ledger, { winningNumber: WINNING_NUMBER, log });
  const session = new Session(connection, "peer", {
    ledger,
    draw,
    log,
    agencies: AGENCIES,
    packetBytesMax: 1000,
    agenciesPerConnectionMax: 3,
    decoder: new BetDecoder(ledger.notation),
    onWaiting: () => {},
    onLinger: () => {},
    onInvalid: () => {},
    now: () => Date.now(),
    today: () => 20261123,
  });
  await session.run();
}

// Closing a socket with unread bytes resets it, and a reset can discard the last answer.
Deno.test("Session reads to the end of the stream before it closes after an invalid packet", async () => {
  const connection = new FakeConnection(["junk\n", "more", 5000, "\n", null]);
  await converse(connection);
  assertEquals(connection.events, ["read", "closeWrite", "read", "end", "close"]);
});

Deno.test("Session reads to the end of the stream before it closes after a packet over the limit", async () => {
  const connection = new FakeConnection(["StoreBet:1;", 100_000, "\n", null]);
  await converse(connection);
  assertEquals(connection.events, [
    "read",
    "StoreResponse:1\n",
    "closeWrite",
    "read",
    "end",
    "close",
  ]);
});

Deno.test("Session closes after a second although the peer of an invalid packet does not end", async () => {
  using time = new FakeTime();
  const connection = new FakeConnection(["junk\n"]);
  const ended = converse(connection);
  await Promise.race([connection.isSilent, ended]);
  await time.tickAsync(999);
  assertEquals(connection.events, ["read", "closeWrite", "waits"]);
  await time.tickAsync(1);
  await ended;
  assertEquals(connection.events, ["read", "closeWrite", "waits", "close"]);
});

Deno.test("Session reads at most a megabyte from a connection that it gave up", async () => {
  const connection = new FakeConnection(["junk\n", 3 * 1024 * 1024]);
  await converse(connection);
  assertEquals(connection.events, ["read", "closeWrite", "read", "close"]);
});

// An orderly end without a byte would mean that the server does not know the packet.
for (const about of ["Progress", "Digest"]) {
  Deno.test(`Session starts its answer to a ${about}Request although its ledger fails`, async () => {
    const connection = new FakeConnection([`${about}Request:1\n`, null]);
    await converse(connection, { failing: true });
    assertEquals(connection.events, ["read", `${about}Response:`, "close"]);
  });
}

Deno.test("Session closes at once when its peer ends the stream", async () => {
  const connection = new FakeConnection(["ProgressRequest:1\n", null]);
  await converse(connection);
  assertEquals(connection.events, ["read", "ProgressResponse:0\n", "end", "close"]);
});
