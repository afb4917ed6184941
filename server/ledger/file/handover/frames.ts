/**
 * Frames between two servers of a volume: batches one way, their outcomes the other way. Both ends are this program,
 * on one machine, and the greeting makes sure that they are of one version.
 *
 * A frame is a header of 24 bytes, its numbers little-endian, and a body: the rows of a batch, or the reason of an
 * outcome.
 *
 * | bytes    | content                                             |
 * | -------- | --------------------------------------------------- |
 * | 0 to 3   | length of the frame, header included                |
 * | 4        | its type, from 1: see {@linkcode FrameType}         |
 * | 5        | why a batch is refused: 0 is `closed`, 1 `count`    |
 * | 6 to 7   | the agency                                          |
 * | 8 to 11  | the number of the batch, chosen by its sender       |
 * | 12 to 15 | the number of its bets                              |
 * | 16 to 23 | the bets that are expected to be stored, or -1      |
 *
 * @module
 */

import { ByteArena, type ByteBuffer } from "../../../../shared/bytes.ts";
import { BetBatch } from "../../../../shared/mod.ts";

const HEADER_BYTES = 24;
/** Far more than the rows of the longest packet that any setting allows. */
const FRAME_BYTES_MAX = 64 * 1024 * 1024;
const CAPACITY_FIRST = 64 * 1024;
/** Until it has greeted, a peer may be any program. */
const FIRST_BYTES_MAX = 4096;

/**
 * What a frame says.
 *
 * - `hello`: the first frame of each end; its body is the greeting.
 * - `batch`: the peer is to store this.
 * - `stored`, `refused`, `unknown`: the outcome of a batch.
 * - `declined`: nothing of a batch is stored or ever will be, for a reason that concerns the peer alone.
 * - `alive`: the peer is at work on what it was handed.
 * - `leave`: no more batches are to be sent. `takeover`: the same, and the receiver is to be the next writer.
 */
export const FRAME_TYPES = [
  "hello",
  "batch",
  "stored",
  "refused",
  "unknown",
  "declined",
  "alive",
  "leave",
  "takeover",
] as const;
export type FrameType = typeof FRAME_TYPES[number];

/** Why the peer refuses a batch that any server would refuse. */
const REFUSALS = ["closed", "count"] as const;
export type Refusal = typeof REFUSALS[number];

/** A batch, or its outcome. */
export interface Frame {
  type: FrameType;
  /** The number of the batch. */
  id: number;
  /** What a batch frame holds. */
  batch?: BetBatch;
  expectedBets?: number;
  /** What other frames hold. */
  why: Refusal;
  text: string;
}

/** The bytes are not those of a frame. */
export class FrameError extends Error {
  override name = "FrameError";
}

/** What an outcome says. */
export interface Outcome {
  type: FrameType;
  /** The number of the batch. @default {0} */
  id?: number;
  why?: Refusal;
  /** @default {""} */
  text?: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const header = new Uint8Array(HEADER_BYTES);
const view = new DataView(header.buffer);

/** Appends the frame of a batch. */
export function writeBatch(out: ByteBuffer, id: number, batch: BetBatch, expected?: number): void {
  const { agency, count, bytes } = batch;
  writeHeader(out, { type: "batch", id, agency, count, expected: expected ?? -1 }, bytes.length);
  out.write(bytes);
}

/** Appends any other frame. */
export function writeOutcome(out: ByteBuffer, { type, id = 0, why, text = "" }: Outcome): void {
  const body = text === "" ? undefined : encoder.encode(text);
  writeHeader(out, { type, id, why }, body?.length ?? 0);
  if (body !== undefined) out.write(body);
}

function writeHeader(
  out: ByteBuffer,
  { type, id, why = "closed", agency = 0, count = 0, expected = -1 }: {
    type: FrameType;
    id: number;
    why?: Refusal;
    agency?: number;
    count?: number;
    expected?: number;
  },
  bodyBytes: number,
): void {
  view.setUint32(0, HEADER_BYTES + bodyBytes, true);
  header[4] = FRAME_TYPES.indexOf(type) + 1;
  header[5] = REFUSALS.indexOf(why);
  view.setUint16(6, agency, true);
  view.setUint32(8, id, true);
  view.setUint32(12, count, true);
  view.setFloat64(16, expected, true);
  out.write(header);
}

/**
 * Collects bytes and returns the frames among them. Read bytes into {@linkcode space}, report their number to
 * {@linkcode filled}, and take the {@linkcode frames}.
 */
export class FrameReader {
  readonly #copies = new ByteArena();
  #bytes = new Uint8Array(CAPACITY_FIRST);
  #view = new DataView(this.#bytes.buffer);
  #end = 0;
  #bytesMax = FIRST_BYTES_MAX;

  /** Where the next bytes go; never empty. */
  space(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(this.#end);
  }

  /** Records that `count` bytes were put into {@linkcode space}. */
  filled(count: number): void {
    this.#end += count;
  }

  /**
   * Takes the frames that are complete, in order. They own their bytes.
   *
   * @throws {FrameError} If the bytes are no frame.
   */
  frames(): Frame[] {
    const frames: Frame[] = [];
    let at = 0;
    let length = HEADER_BYTES;
    while (this.#end - at >= HEADER_BYTES) {
      length = this.#view.getUint32(at, true);
      if (length < HEADER_BYTES || length > this.#bytesMax) {
        throw new FrameError(`a frame has ${length} bytes`);
      }
      if (this.#end - at < length) break;
      frames.push(this.#frameAt(at, length));
      this.#bytesMax = FRAME_BYTES_MAX;
      at += length;
    }
    this.#bytes.copyWithin(0, at, this.#end);
    this.#end -= at;
    if (length > this.#bytes.length) this.#grow(length);
    return frames;
  }

  #frameAt(at: number, length: number): Frame {
    const type = FRAME_TYPES[this.#bytes[at + 4] - 1];
    if (type === undefined) throw new FrameError(`a frame has type ${this.#bytes[at + 4]}`);
    const id = this.#view.getUint32(at + 8, true);
    const why = REFUSALS[this.#bytes[at + 5]];
    const body = this.#bytes.subarray(at + HEADER_BYTES, at + length);
    if (type !== "batch") return { type, id, why, text: decoder.decode(body) };
    const agency = this.#view.getUint16(at + 6, true);
    const count = this.#view.getUint32(at + 12, true);
    const expected = this.#view.getFloat64(at + 16, true);
    const batch = new BetBatch(agency, count, this.#copies.copy(body));
    return { type, id, why, text: "", batch, expectedBets: expected < 0 ? undefined : expected };
  }

  #grow(length: number): void {
    const grown = new Uint8Array(2 * length);
    grown.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
