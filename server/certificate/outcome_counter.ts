/**
 * Counts what a certificate states about the rows of a ledger. Its memory grows with agencies and winners, not
 * with bets: a winner takes about one byte, because documents are kept elsewhere.
 *
 * @module
 */

import { createHash, type Hash } from "node:crypto";
import { LINE_FEED } from "../../shared/ascii.ts";
import { ByteBuffer } from "../../shared/bytes.ts";
import { agencyRuns } from "../ledger/agency_runs.ts";

/** What is known of the rows of an agency. */
export interface CountedAgency {
  bets: number;
  /** SHA-256 of its rows in their order, in hexadecimal. */
  sha256: string;
  winners: number;
  /** The positions of its winners among its bets, counted from 1, in ascending order. */
  positions(): Iterable<number>;
}

/** What has been counted of an agency. */
class RunningAgency {
  readonly hash: Hash = createHash("sha256");
  bets = 0;
  readonly winners = new AscendingNumbers();
}

/** Counts rows, in the order in which they are stored. */
export class OutcomeCounter {
  readonly #agencies = new Map<number, RunningAgency>();
  /** The end of a winner's row. The number is never quoted, and has no leading zeros. */
  readonly #ending: Uint8Array;

  constructor(winningNumber: number) {
    this.#ending = new TextEncoder().encode(`,${winningNumber}`);
  }

  /** Counts whole rows. */
  take(rows: Uint8Array): void {
    for (const run of agencyRuns(rows)) {
      let agency = this.#agencies.get(run.agency);
      if (agency === undefined) this.#agencies.set(run.agency, agency = new RunningAgency());
      agency.hash.update(run.rows);
      this.#count(run.rows, agency);
    }
  }

  /** What was counted of an agency. */
  of(agency: number): CountedAgency {
    const { bets, hash, winners } = this.#agencies.get(agency) ?? new RunningAgency();
    const sha256 = hash.copy().digest("hex");
    return { bets, sha256, winners: winners.length, positions: () => winners };
  }

  #count(rows: Uint8Array, agency: RunningAgency): void {
    const ending = this.#ending;
    for (let from = 0; from < rows.length;) {
      const lineEnd = rows.indexOf(LINE_FEED, from);
      agency.bets++;
      let [at, left] = [lineEnd, ending.length];
      while (left > 0 && rows[at - 1] === ending[left - 1]) [at, left] = [at - 1, left - 1];
      if (left === 0) agency.winners.add(agency.bets);
      from = lineEnd + 1;
    }
  }
}

const CONTINUES = 0x80;

/** Ascending positive numbers, kept as the differences between neighbors, most of which take one byte (LEB128). */
class AscendingNumbers {
  length = 0;
  readonly #bytes = new ByteBuffer(16);
  #last = 0;

  add(number: number): void {
    let difference = number - this.#last;
    for (; difference >= CONTINUES; difference = Math.floor(difference / CONTINUES)) {
      this.#bytes.writeByte(CONTINUES | difference % CONTINUES);
    }
    this.#bytes.writeByte(difference);
    this.#last = number;
    this.length++;
  }

  *[Symbol.iterator](): Generator<number> {
    let [number, scale] = [0, 1];
    for (const byte of this.#bytes.view()) {
      number += (byte % CONTINUES) * scale;
      scale = byte >= CONTINUES ? scale * CONTINUES : 1;
      if (byte < CONTINUES) yield number;
    }
  }
}
