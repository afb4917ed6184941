/**
 * Running digests of each agency's rows in bets.csv.
 *
 * Nothing is hashed before somebody asks. Then one pass over the new rows advances the digests of all
 * agencies, in slices between which the event loop serves others.
 *
 * @module
 */

import { createHash, type Hash } from "node:crypto";
import { LINE_FEED } from "../../../shared/ascii.ts";
import { agencyRuns } from "../agency_runs.ts";
import type { ReadAt } from "./recovery.ts";
import { Courtesy } from "../courtesy.ts";

/** A slice takes a fraction of a millisecond, or a few where each row is of another agency. */
const SLICE_BYTES = 64 * 1024;

/** The digests of all agencies, up to a position of the file. */
export class RowDigests {
  readonly #read: ReadAt;
  readonly #hashes = new Map<number, Hash>();
  readonly #slice = new Uint8Array(SLICE_BYTES);
  #position = 0;

  /** @param read Reads bets.csv. */
  constructor(read: ReadAt) {
    this.#read = read;
  }

  /**
   * Hashes the rows up to `size`, which is the end of a row. One call at a time.
   *
   * @throws If the file ends before that.
   */
  async advanceTo(size: number): Promise<void> {
    const courtesy = new Courtesy();
    while (this.#position < size) {
      const wanted = this.#slice.subarray(0, size - this.#position);
      const length = this.#read(wanted, this.#position);
      const wholeRows = wanted.subarray(0, length).lastIndexOf(LINE_FEED) + 1;
      if (wholeRows === 0) throw new Error(`Cannot read bets.csv at byte ${this.#position}`);
      this.#hash(wanted.subarray(0, wholeRows));
      this.#position += wholeRows;
      await courtesy.giveWay();
    }
  }

  /** SHA-256 of the hashed rows of an agency, in hexadecimal. */
  digest(agency: number): string {
    return (this.#hashes.get(agency) ?? createHash("sha256")).copy().digest("hex");
  }

  /** Hashes whole rows. */
  #hash(rows: Uint8Array): void {
    for (const run of agencyRuns(rows)) this.#update(run.agency, run.rows);
  }

  #update(agency: number, rows: Uint8Array): void {
    let hash = this.#hashes.get(agency);
    if (hash === undefined) this.#hashes.set(agency, hash = createHash("sha256"));
    hash.update(rows);
  }
}
