import { assert, assertEquals, assertThrows } from "@std/assert";
import { ByteBuffer } from "../../../../shared/bytes.ts";
import { BetBatch } from "../../../../shared/mod.ts";
import { forAll, type Random } from "../../../../testing/random.ts";
import {
  type Frame,
  FRAME_TYPES,
  FrameError,
  FrameReader,
  writeBatch,
  writeOutcome,
} from "./frames.ts";

/** Larger than what a reader has room for at first. */
const LARGE_BYTES = 300_000;

function batchOf(length: number, { agency = 65_535, count = 7 } = {}): BetBatch {
  return new BetBatch(agency, count, Uint8Array.from({ length }, (_, index) => index % 251));
}

/** Reads frames from bytes that arrive in pieces. */
function readAll(bytes: Uint8Array, pieceBytes: () => number): Frame[] {
  const reader = new FrameReader();
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length;) {
    const space = reader.space();
    assert(space.length > 0);
    const piece = bytes.subarray(at, at + Math.min(pieceBytes(), space.length));
    space.set(piece);
    reader.filled(piece.length);
    at += piece.length;
    frames.push(...reader.frames());
  }
  return frames;
}

function batchFrame(id: number, batch: BetBatch, expectedBets?: number): Frame {
  return { type: "batch", id, why: "closed", text: "", batch, expectedBets };
}

/** Frames of every kind, and what a reader returns for them. */
function everyFrame(largeBytes = LARGE_BYTES): { bytes: Uint8Array; frames: Frame[] } {
  const out = new ByteBuffer();
  const frames: Frame[] = [];
  for (const [index, type] of FRAME_TYPES.filter((type) => type !== "batch").entries()) {
    const id = 2 ** 32 - 1 - index;
    const text = index % 2 === 0 ? "" : `reason ${index}, with ñ`;
    const why = index % 3 === 0 ? "count" : "closed";
    writeOutcome(out, { type, id, why, text });
    frames.push({ type, id, why, text });
  }
  for (const [index, length] of [0, 1, largeBytes, 100].entries()) {
    const batch = batchOf(length, { agency: index, count: length });
    const expected = [undefined, 0, 2 ** 40, 3][index];
    writeBatch(out, index, batch, expected);
    frames.push(batchFrame(index, batch, expected));
  }
  return { bytes: out.view(), frames };
}

Deno.test("FrameReader reads every kind of frame that arrives whole", () => {
  const { bytes, frames } = everyFrame();
  assertEquals(readAll(bytes, () => Infinity), frames);
});

Deno.test("FrameReader reads frames that arrive byte by byte", () => {
  const { bytes, frames } = everyFrame(1000);
  assertEquals(readAll(bytes, () => 1), frames);
});

Deno.test("FrameReader reads frames that arrive in pieces of any size", () => {
  const { bytes, frames } = everyFrame();
  forAll({ cases: 10 }, (random: Random) => {
    const max = random.pick([40, 500, 100_000]);
    assertEquals(readAll(bytes, () => random.integer(1, max)), frames);
  });
});

Deno.test("FrameReader returns frames that own their bytes", () => {
  const reader = new FrameReader();
  const send = (id: number, batch: BetBatch) => {
    const out = new ByteBuffer();
    writeBatch(out, id, batch);
    reader.space().set(out.view());
    reader.filled(out.length);
    return reader.frames();
  };
  const [first] = send(1, batchOf(200));
  send(2, new BetBatch(1, 1, new Uint8Array(200)));
  assertEquals(first, batchFrame(1, batchOf(200)));
});

Deno.test("FrameReader returns nothing of a frame that lacks its last byte", () => {
  const out = new ByteBuffer();
  writeBatch(out, 1, batchOf(100), 5);
  assertEquals(readAll(out.view().subarray(0, -1), () => Infinity), []);
});

Deno.test("FrameReader reports bytes that are no frame", () => {
  const header = (length: number, type: number) => {
    const bytes = new Uint8Array(24);
    new DataView(bytes.buffer).setUint32(0, length, true);
    bytes[4] = type;
    return bytes;
  };
  const garbage = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: writer\r\n\r\n");
  const cases = [
    garbage,
    header(23, 1),
    header(0, 1),
    header(2 ** 32 - 1, 1),
    header(24, 0),
    header(24, FRAME_TYPES.length + 1),
    header(24, 255),
  ];
  for (const bytes of cases) assertThrows(() => readAll(bytes, () => Infinity), FrameError);
});
