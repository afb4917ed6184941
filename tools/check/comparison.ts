/**
 * Compares what is stored of an agency with its file, bet by bet.
 *
 * @module
 */

import { BetLines } from "../../client/bet_lines.ts";
import type { ReadAt } from "../../server/ledger/file/recovery.ts";
import { BETS_FILE } from "../../server/ledger/file/volume_files.ts";
import { LINE_FEED } from "../../shared/ascii.ts";
import { startsWith } from "../../shared/bytes.ts";
import { AGENCIES_MAX, BetDecoder, dayNumber, encodeStoreHead } from "../../shared/mod.ts";
import { TruncatedError } from "./lines.ts";

const CHUNK_BYTES = 1024 * 1024;

/** A stored row. */
export interface StoredRow {
  /** The row without its line end. */
  row: Uint8Array;
  /** Returns where it is stored, for messages. */
  place: () => string;
}

/** The first stored bet that is not the same in the file. */
export interface Difference {
  /** The line in the file, counted from 1. Each line is a bet. */
  line: number;
  /** What is stored at its place. */
  stored: StoredRow;
  /** The row that a server stores for that line; nothing if the file has no such line. */
  expected?: Uint8Array;
  /**
   * How the bets after it compare: `missing` if the stored row is the file's next line, `added` if
   * the file's line is stored next.
   */
  kind: "missing" | "added" | "other";
}

/** How the stored bets of an agency compare with its file. */
export interface Comparison {
  /** Stored bets of the agency. */
  stored: number;
  /** Bets in the file. */
  inFile: number;
  /** Nothing if the stored bets are the first ones of the file. */
  difference?: Difference;
}

/** Options of {@linkcode compareBets}. */
export interface ComparisonOptions {
  /** What is stored of the agency. Each row is valid until the next one is asked for. */
  rows: AsyncGenerator<StoredRow, void>;
  agency: number;
  /** The path of the agency's file. */
  data: string;
}

/**
 * Compares the stored bets of an agency with the first ones of its file, in bounded memory.
 *
 * @throws {BetFileError} If a line of the file is not a valid bet.
 */
export async function compareBets(options: ComparisonOptions): Promise<Comparison> {
  using file = await Deno.open(options.data);
  const stored = new Counted(options.rows);
  const inFile = new Counted(fileRows(file, options));
  let difference: Difference | undefined;
  for (;;) {
    const one = await stored.next();
    if (one === undefined) break;
    const other = await inFile.next();
    if (other !== undefined && isEqual(one.row, other)) continue;
    difference = await describe(one, other, { stored, inFile });
    break;
  }
  await stored.drain();
  await inFile.drain();
  return { stored: stored.count, inFile: inFile.count, difference };
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && startsWith(one, other);
}

/** Looks at the bets after the first difference. */
async function describe(
  { row, place }: StoredRow,
  other: Uint8Array | undefined,
  { stored, inFile }: { stored: Counted<StoredRow>; inFile: Counted<Uint8Array> },
): Promise<Difference> {
  const found = { row: row.slice(), place };
  const expected = other?.slice();
  const difference = { line: stored.count, stored: found, expected };
  const [nextStored, nextLine] = [await stored.next(), await inFile.next()];
  if (nextLine !== undefined && isEqual(found.row, nextLine)) {
    return { ...difference, kind: "missing" };
  }
  if (expected !== undefined && nextStored !== undefined && isEqual(nextStored.row, expected)) {
    return { ...difference, kind: "added" };
  }
  return { ...difference, kind: "other" };
}

/** Counts what a generator has yielded. */
class Counted<Item> {
  count = 0;
  readonly #items: AsyncGenerator<Item, void>;

  constructor(items: AsyncGenerator<Item, void>) {
    this.#items = items;
  }

  async next(): Promise<Item | undefined> {
    const { done, value } = await this.#items.next();
    if (done) return undefined;
    this.count++;
    return value;
  }

  async drain(): Promise<void> {
    while (await this.next() !== undefined);
  }
}

/** Options of {@linkcode rowsOfVolume}. */
export interface VolumeRows {
  read: ReadAt;
  /** How many bytes of bets.csv count: complete rows alone. */
  wholeSize: number;
  agency: number;
}

/**
 * Yields the rows of an agency in bets.csv. Each is valid until the next one is asked for.
 *
 * @throws {TruncatedError} If the file has become shorter.
 */
export async function* rowsOfVolume(
  { read, wholeSize, agency }: VolumeRows,
): AsyncGenerator<StoredRow, void> {
  const prefix = new TextEncoder().encode(`${agency},`);
  let chunk = new Uint8Array(CHUNK_BYTES);
  let line = 0;
  /** Position of the chunk's first byte in the file, and its bytes. */
  let offset = 0;
  let filled = 0;
  while (offset + filled < wholeSize) {
    if (filled === chunk.length) chunk = enlarge(chunk);
    const room = chunk.subarray(filled, filled + wholeSize - offset - filled);
    const count = read(room, offset + filled);
    if (count <= 0) throw new TruncatedError("The file was truncated while it was read");
    filled += count;
    const bytes = chunk.subarray(0, filled);
    let from = 0;
    for (let end; (end = bytes.indexOf(LINE_FEED, from)) >= 0; from = end + 1) {
      line++;
      const row = bytes.subarray(from, end);
      const [number, position] = [line, offset + from];
      const place = () => `line ${number} of ${BETS_FILE}, byte ${position}`;
      if (startsWith(row, prefix)) yield { row, place };
    }
    chunk.copyWithin(0, from, filled);
    filled -= from;
    offset += from;
  }
}

/** Makes room for a line that is longer than the chunk, as only a damaged one is. */
function enlarge(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(2 * chunk.length);
  larger.set(chunk);
  return larger;
}

/** Yields the rows that a server would store for a file. Each is valid until the next is asked for. */
async function* fileRows(
  file: Deno.FsFile,
  { agency, data }: ComparisonOptions,
): AsyncGenerator<Uint8Array, void> {
  const today = dayNumber(Date.now());
  const lines = new BetLines(file, { name: data, today });
  const decoder = new BetDecoder("rows");
  const head = encodeStoreHead("StoreBatch", agency);
  for (let block; (block = await lines.read()) !== undefined;) {
    // Without the terminator of the last bet, it is the rest of a packet.
    const bets = block.bytes.subarray(0, block.ends[block.count - 1]);
    const packet = new Uint8Array([...head, ...bets]);
    const { bytes } = decoder.decode("StoreBatch", packet, { agencies: AGENCIES_MAX, today });
    for (let from = 0; from < bytes.length;) {
      const end = bytes.indexOf(LINE_FEED, from);
      yield bytes.subarray(from, end);
      from = end + 1;
    }
  }
}
