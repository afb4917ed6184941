/**
 * A running digest of an agency's bets, as servers make one of its rows in bets.csv.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { AGENCIES_MAX, BetDecoder } from "../shared/mod.ts";

/** The client has checked the birthdates already, perhaps yesterday. */
const RULES = { agencies: AGENCIES_MAX, today: 9999_12_31 };

/** SHA-256 of the first bets of an agency. */
export class RowsDigest {
  readonly #decoder = new BetDecoder("rows");
  readonly #hash = createHash("sha256");
  #bets = 0;

  /** The number of bets so far. */
  get bets(): number {
    return this.#bets;
  }

  /** Adds the bets of a StoreBatch packet, which is given without its line end. */
  add(packet: Uint8Array): void {
    // A server makes the rows by the same code.
    const { bytes, count } = this.#decoder.decode("StoreBatch", packet, RULES);
    this.#hash.update(bytes);
    this.#bets += count;
  }

  /** Returns the digest of the bets so far, as a DigestResponse has it. */
  sha256(): string {
    return this.#hash.copy().digest("hex");
  }
}
