/**
 * A digest of an agency's bets, as servers make one of its rows in bets.csv.
 *
 * @module
 */

import type { Hash } from "node:crypto";
import { ByteBuffer } from "../shared/bytes.ts";
import { AGENCIES_MAX, BetDecoder } from "../shared/mod.ts";

/** The client has checked the birthdates already, perhaps yesterday. */
const RULES = { agencies: AGENCIES_MAX, today: 9999_12_31 };
/**
 * Most rows that are held, about 5,800, to be hashed at once. A running hash is faster for more, but its module
 * takes longer to load than all of these take.
 */
const HELD_BYTES_MAX = 256 * 1024;

/** Returns the SHA-256 of bytes, in hexadecimal. */
export type Sha256 = (bytes: Uint8Array<ArrayBuffer>) => string | Promise<string>;

/** SHA-256 of the first bets of an agency. */
export class RowsDigest {
  readonly #sha256: Sha256;
  readonly #decoder = new BetDecoder("rows");
  /** The rows that are not hashed yet. */
  readonly #rows = new ByteBuffer();
  /** The hash of the rows before them, once there were too many to hold. */
  #hash: Hash | undefined;
  #loading: Promise<Hash> | undefined;
  #bets = 0;

  /** @param sha256 Hashes the rows of few bets. */
  constructor(sha256: Sha256 = hashInThread) {
    this.#sha256 = sha256;
  }

  /** The number of bets so far. */
  get bets(): number {
    return this.#bets;
  }

  /** Adds the bets of a StoreBatch packet, which is given without its line end. */
  add(packet: Uint8Array): void {
    // A server makes the rows by the same code.
    const { bytes, count } = this.#decoder.decode("StoreBatch", packet, RULES);
    this.#rows.write(bytes);
    this.#bets += count;
    if (this.#rows.length < HELD_BYTES_MAX) return;
    if (this.#hash === undefined) this.#loading ??= this.#load();
    else this.#hashHeld(this.#hash);
  }

  /** Returns the digest of the bets so far, as a DigestResponse has it. */
  async sha256(): Promise<string> {
    if (this.#loading === undefined) return await this.#sha256(this.#rows.view());
    return this.#hashHeld(await this.#loading).copy().digest("hex");
  }

  async #load(): Promise<Hash> {
    const { createHash } = await import("node:crypto");
    return this.#hash = createHash("sha256");
  }

  #hashHeld(hash: Hash): Hash {
    hash.update(this.#rows.view());
    this.#rows.length = 0;
    return hash;
  }
}

async function hashInThread(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  const inHexadecimal = (byte: number) => byte.toString(16).padStart(2, "0");
  return Array.from(new Uint8Array(digest), inHexadecimal).join("");
}
