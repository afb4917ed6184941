/**
 * A volume that holds as many bets as a benchmark needs.
 *
 * @module
 */

import { FolderDisk } from "../server/ledger/disk.ts";
import { logNames } from "../server/ledger/file/log_files.ts";
import {
  BETS_FILE,
  CHECKPOINT_FILE,
  CLOSED_FILE,
  IDENTITY_FILE,
  JOURNAL_FILE,
} from "../server/ledger/file/volume_files.ts";
import { WINNING_NUMBER } from "../testing/lottery_environment.ts";
import { unlessNotFound } from "../tools/project.ts";
import { appendBlocks, BLOCK_BETS, madeBets } from "./made_bets.ts";

/** The number of agencies that have bets on the volume. */
export const AGENCIES = 100;
/** How many consecutive rows belong to one agency, as those of a batch do. */
const BATCH_ROWS = 100;

/** The content of a volume. */
export interface VolumeContent {
  /** Rows of bets.csv: a multiple of {@linkcode BLOCK_BETS}. */
  rows: number;
  /** How many agencies are closed: 1 to this number. */
  closed: number;
}

/** A folder with bets.csv and agencies_closed.txt. */
export class PreparedVolume {
  readonly path: string;
  readonly betsPath: string;
  readonly closedPath: string;
  /** Blocks at the beginning of bets.csv. Servers stored what follows them. */
  #blocks = 0;
  readonly #block: Uint8Array;
  readonly #blockWinners: number;

  /** Makes the folder `path`. */
  constructor(path: string) {
    Deno.mkdirSync(path);
    this.path = path;
    this.betsPath = `${path}/${BETS_FILE}`;
    this.closedPath = `${path}/${CLOSED_FILE}`;
    const rows = madeBets(BLOCK_BETS).map((fields, at) => {
      const agency = Math.floor(at / BATCH_ROWS) % AGENCIES + 1;
      return `${agency},${fields.join(",")}\n`;
    });
    this.#block = new TextEncoder().encode(rows.join(""));
    this.#blockWinners = rows.filter((row) => row.endsWith(`,${WINNING_NUMBER}\n`)).length;
  }

  /** Bytes of bets.csv, without what servers stored. */
  get bytes(): number {
    return this.#blocks * this.#block.length;
  }

  /** Winners in bets.csv, without those that servers stored. */
  get winners(): number {
    return this.#blocks * this.#blockWinners;
  }

  /** Writes the files, and reuses what they already hold. No server may be running on them. */
  async prepare({ rows, closed }: VolumeContent): Promise<void> {
    const blocks = rows / BLOCK_BETS;
    this.#blocks = Math.min(this.#blocks, blocks);
    Deno.writeFileSync(this.betsPath, new Uint8Array(), { append: true });
    Deno.truncateSync(this.betsPath, this.bytes);
    appendBlocks(this.betsPath, this.#block, blocks - this.#blocks);
    this.#blocks = blocks;
    const numbers = Array.from({ length: closed }, (_, at) => `${at + 1}\n`);
    Deno.writeTextFileSync(this.closedPath, numbers.join(""));
    // These describe rows that are gone, and the next lottery may have other settings.
    const logs = logNames(new FolderDisk(this.path));
    for (const name of [...logs, JOURNAL_FILE, CHECKPOINT_FILE, IDENTITY_FILE]) {
      await unlessNotFound(Deno.remove(`${this.path}/${name}`));
    }
  }
}
