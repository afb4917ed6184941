/**
 * The folder of a ledger that holds as many bets as a benchmark wants.
 *
 * @module
 */

import { appendBlocks, BLOCK_BETS, madeBets } from "./made_bets.ts";
import type { Workplace } from "./workplace.ts";

/** Agencies that have bets on a volume: 1 to this. */
export const AGENCIES = 100;
/** The number that wins, as servers have it by default. */
const WINNING_NUMBER = "7574";
/** So many rows one after the other are of one agency, as batches are. */
const BATCH_ROWS = 100;

/** What a volume holds. */
export interface VolumeContent {
  /** Rows of bets.csv: a multiple of {@linkcode BLOCK_BETS}. */
  rows: number;
  /** Agencies that are closed: 1 to this. */
  closed: number;
}

/** A folder with bets.csv and agencies_closed.txt. */
export class Volume {
  readonly path: string;
  readonly betsPath: string;
  readonly closedPath: string;
  /** Blocks at the beginning of bets.csv; what is behind them was stored by servers. */
  #blocks = 0;
  readonly #block: Uint8Array;
  readonly #blockWinners: number;

  constructor(workplace: Workplace) {
    this.path = workplace.folder().path;
    this.betsPath = `${this.path}/bets.csv`;
    this.closedPath = `${this.path}/agencies_closed.txt`;
    const rows = madeBets(BLOCK_BETS).map((fields, at) => {
      const agency = Math.floor(at / BATCH_ROWS) % AGENCIES + 1;
      return `${agency},${fields.join(",")}\n`;
    });
    this.#block = new TextEncoder().encode(rows.join(""));
    this.#blockWinners = rows.filter((row) => row.endsWith(`,${WINNING_NUMBER}\n`)).length;
  }

  /** Bytes of bets.csv, without what servers have stored. */
  get bytes(): number {
    return this.#blocks * this.#block.length;
  }

  /** Winners in bets.csv, without those that servers have stored. */
  get winners(): number {
    return this.#blocks * this.#blockWinners;
  }

  /** Makes the files, as far as they are not there already. No server may run on them. */
  prepare({ rows, closed }: VolumeContent): void {
    const blocks = rows / BLOCK_BETS;
    this.#blocks = Math.min(this.#blocks, blocks);
    Deno.writeFileSync(this.betsPath, new Uint8Array(), { append: true });
    Deno.truncateSync(this.betsPath, this.bytes);
    appendBlocks(this.betsPath, this.#block, blocks - this.#blocks);
    this.#blocks = blocks;
    const numbers = Array.from({ length: closed }, (_, at) => `${at + 1}\n`);
    Deno.writeTextFileSync(this.closedPath, numbers.join(""));
    this.#forgetRounds();
  }

  /** The servers' journal tells of rows that are there no more. */
  #forgetRounds(): void {
    try {
      Deno.removeSync(`${this.path}/bets.csv.round`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}
