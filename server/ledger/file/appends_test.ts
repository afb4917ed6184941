import { assert, assertEquals } from "@std/assert";
import { ByteBuffer } from "../../../shared/bytes.ts";
import { namedBatch, openLedger } from "../../testing/ledgers.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { rowsOf } from "../../testing/witness.ts";
import { turnEnd } from "../courtesy.ts";
import type { HandoverConnection, HandoverNetwork } from "./handover/channel.ts";
import { type Frame, FrameReader, writeOutcome } from "./handover/frames.ts";
import { WRITER_FILE } from "./volume_files.ts";

/** A writer that is killed as soon as it has `handled` a batch, before it answers. */
class KilledWriter implements HandoverConnection {
  readonly #handle: (frame: Frame) => Promise<unknown>;
  readonly #frames = new FrameReader();
  readonly #killed = Promise.withResolvers<null>();
  #greeting: Promise<Uint8Array> | undefined;
  readonly #greeted = Promise.withResolvers<Uint8Array>();

  constructor(handle: (frame: Frame) => Promise<unknown>) {
    this.#handle = handle;
  }

  async read(bytes: Uint8Array): Promise<number | null> {
    if (this.#greeting !== undefined) return await this.#killed.promise;
    const greeting = await (this.#greeting = this.#greeted.promise);
    bytes.set(greeting);
    return greeting.length;
  }

  write(bytes: Uint8Array): Promise<number> {
    this.#frames.space().set(bytes);
    this.#frames.filled(bytes.length);
    const handled: Promise<unknown>[] = [];
    for (const frame of this.#frames.frames()) {
      if (frame.type === "hello") {
        const answer = new ByteBuffer();
        writeOutcome(answer, { type: "hello", text: frame.text });
        this.#greeted.resolve(answer.view());
      } else handled.push(this.#handle(frame));
    }
    if (handled.length > 0) void Promise.all(handled).then(() => this.close());
    return Promise.resolve(bytes.length);
  }

  close(): void {
    this.#killed.resolve(null);
  }
}

/** Hands equal batches to a writer that is killed; returns the outcome, and the documents that are stored. */
async function storedThrough(
  handle: (disk: MemoryDisk, frame: Frame) => Promise<unknown>,
  { batches = 1 } = {},
) {
  const disk = new MemoryDisk();
  const lock = disk.process().open(WRITER_FILE);
  assert(lock.tryLock());
  let handed = 0;
  const handover: HandoverNetwork = {
    listen: () => {
      throw new Error("another one writes");
    },
    connect: () =>
      Promise.resolve(
        new KilledWriter((frame) => {
          handed++;
          return handle(disk, frame);
        }),
      ),
  };
  const { ledger } = await openLedger(disk.process(), { handover });
  await turnEnd();
  const results = Array.from({ length: batches }, () => ledger.append(namedBatch("a")));
  const [{ status }] = await Promise.all(results);
  await ledger[Symbol.asyncDispose]();
  lock.close();
  assertEquals(handed, batches);
  return { status, documents: rowsOf(disk).map(([, , , document]) => document) };
}

Deno.test("FileLedger.append() stores a batch itself that a killed writer has not", async () => {
  const { status, documents } = await storedThrough(() => Promise.resolve());
  assertEquals([status, documents], ["stored", ["a-0", "a-1"]]);
});

Deno.test("FileLedger.append() finds a batch that a killed writer has stored, among those of others", async () => {
  const { status, documents } = await storedThrough(async (disk, { batch }) => {
    const writer = (await openLedger(disk.process())).ledger;
    await writer.append(namedBatch("other", { count: 9 }));
    await writer.append(batch!);
    await writer.append(namedBatch("last"));
  });
  assertEquals(status, "stored");
  assertEquals(documents.filter((document) => document.startsWith("a-")), ["a-0", "a-1"]);
});

Deno.test("FileLedger.append() does not take a part of a batch for the whole", async () => {
  const { status, documents } = await storedThrough(async (disk) => {
    const writer = (await openLedger(disk.process())).ledger;
    await writer.append(namedBatch("a", { count: 1 }));
    await writer.append(namedBatch("b", { count: 1 }));
  });
  assertEquals([status, documents], ["stored", ["a-0", "b-0", "a-0", "a-1"]]);
});

Deno.test("FileLedger.append() takes the same rows for two batches only if they are there twice", async () => {
  let handed = 0;
  const { status, documents } = await storedThrough(async (disk, { batch }) => {
    if (handed++ > 0) return;
    await (await openLedger(disk.process())).ledger.append(batch!);
  }, { batches: 2 });
  assertEquals([status, documents], ["stored", ["a-0", "a-1", "a-0", "a-1"]]);
});
