import { assertEquals } from "@std/assert";
import { ByteBuffer } from "../../../../shared/bytes.ts";
import { BetBatch } from "../../../../shared/mod.ts";
import type { HandoverConnection, HandoverListener } from "./channel.ts";
import { FrameReader, type FrameType, writeBatch, writeOutcome } from "./frames.ts";
import { WriterPort } from "./writer_port.ts";

/** No longer pause is taken for a busy moment. */
const PAUSED_MS = 2000;
const GREETING = "hello";

/** A server that hands batches over, without a network. */
class Peer implements HandoverConnection {
  readonly #arriving = new TransformStream<Uint8Array, Uint8Array>();
  readonly #reader = this.#arriving.readable.getReader();
  readonly #writer = this.#arriving.writable.getWriter();
  readonly #frames = new FrameReader();
  #answer = Promise.withResolvers<FrameType>();
  #lastId = 0;

  greet(): void {
    const bytes = new ByteBuffer();
    writeOutcome(bytes, { type: "hello", text: GREETING });
    void this.#writer.write(bytes.view().slice());
  }

  /** Hands a batch over; returns its outcome. */
  hand(): Promise<FrameType> {
    const bytes = new ByteBuffer();
    writeBatch(bytes, ++this.#lastId, new BetBatch(1, 1, new Uint8Array([1])));
    this.#answer = Promise.withResolvers();
    void this.#writer.write(bytes.view().slice());
    return this.#answer.promise;
  }

  async read(bytes: Uint8Array): Promise<number | null> {
    const { value, done } = await this.#reader.read();
    if (done) return null;
    bytes.set(value);
    return value.length;
  }

  write(bytes: Uint8Array): Promise<number> {
    this.#frames.space().set(bytes);
    this.#frames.filled(bytes.length);
    for (const { type } of this.#frames.frames()) if (type !== "hello") this.#answer.resolve(type);
    return Promise.resolve(bytes.length);
  }

  close(): void {
    // Either end closes it.
    this.#writer.close().catch(() => {});
  }
}

/** Accepts one peer. */
function listenerOf(peer: Peer): HandoverListener {
  const closed = Promise.withResolvers<void>();
  return {
    isReachable: () => true,
    close: () => closed.resolve(),
    async *[Symbol.asyncIterator]() {
      yield peer;
      await closed.promise;
    },
  };
}

Deno.test("WriterPort declines what has come during a pause, though its tick runs first", async () => {
  let nowMs = 0;
  let stored = 0;
  const peer = new Peer();
  peer.greet();
  const port = new WriterPort(listenerOf(peer), {
    greeting: GREETING,
    now: () => nowMs,
    store: () => {
      stored++;
      return Promise.resolve({ status: "stored" });
    },
  });
  nowMs += PAUSED_MS;
  port.tick();
  assertEquals(await peer.hand(), "stored");
  nowMs += PAUSED_MS + 1;
  port.tick();
  assertEquals(await peer.hand(), "declined");
  assertEquals([stored, port.wasPaused], [1, true]);
  const left = Promise.all([port.close(), port.leave()]);
  peer.close();
  await left;
});
