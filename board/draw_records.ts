/**
 * Reads the records of draws, which servers write once a draw is settled. The board never computes winners.
 *
 * @module
 */

import { linesOf } from "../shared/lines.ts";
import type { DocumentStyle } from "./settings.ts";
import type { AgencyOutcome, DrawOutcome } from "./state.ts";

/** Most winners of an agency that are sent to the page. The record itself has all. */
const DOCUMENTS_MAX = 50;
/** How many characters of a masked document are shown, and what replaces the others, however many there are. */
const SHOWN_CHARS = 3;
const MASK = "•••••";

/** The versions of the records that the board can read. */
const RECORD_VERSIONS = [1, 2];
/** Outcomes that are kept in memory. A record never changes. */
const KEPT_MAX = 8;

/** Options of {@linkcode DrawRecords}. */
export interface DrawRecordsOptions {
  /** The folder of the records. */
  folder: string;
  documents: DocumentStyle;
  /** @default {that of the disk} */
  readFile?: (path: string) => Promise<AsyncIterable<Uint8Array>>;
}

/** The records of all draws. */
export class DrawRecords {
  readonly #options: Required<DrawRecordsOptions>;
  readonly #kept = new Map<string, DrawOutcome>();

  constructor(options: DrawRecordsOptions) {
    this.#options = { readFile: async (path) => (await Deno.open(path)).readable, ...options };
  }

  /**
   * Reads the outcome of a draw.
   *
   * @param documentsMax Most documents of an agency.
   * @returns Nothing if there is no record of it yet.
   * @throws If the record cannot be read, or is not one.
   */
  async read(id: string, documentsMax = DOCUMENTS_MAX): Promise<DrawOutcome | undefined> {
    if (!isDrawId(id)) return undefined;
    const key = `${documentsMax} ${id}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    const { folder, readFile } = this.#options;
    try {
      const content = await readFile(`${folder}/${id}/result.json`);
      const outcome = await this.#readOutcome(linesOf(content), documentsMax);
      this.#kept.set(key, outcome);
      if (this.#kept.size > KEPT_MAX) this.#kept.delete([...this.#kept.keys()][0]);
      return outcome;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  /**
   * Reads a record line by line, as it is written: a draw may have more winners than fit into memory. Each field, each
   * agency and each winner has a line of its own.
   */
  async #readOutcome(lines: AsyncIterable<string>, documentsMax: number): Promise<DrawOutcome> {
    const fields: Record<string, unknown> = {};
    const agencies: AgencyOutcome[] = [];
    for await (const line of lines) {
      const field = /^ {2}"(\w+)": (".*"|\d+),?$/.exec(line);
      if (field !== null) fields[field[1]] = JSON.parse(field[2]);
      else if (line.startsWith('    {"agency":')) {
        const { agency, bets } = JSON.parse(`${line}]}`);
        agencies.push({ agency, bets, winners: 0, documents: [] });
      } else if (line.startsWith('      {"document":')) {
        const latest = agencies[agencies.length - 1];
        if (++latest.winners > documentsMax) continue;
        const { document } = JSON.parse(line.replace(/,$/, ""));
        latest.documents.push(this.#shown(document));
      }
    }
    const { version, id, winningNumber, drawnAt, sha256 } = fields;
    if (
      !RECORD_VERSIONS.includes(Number(version)) || typeof id !== "string" || sha256 === undefined
    ) {
      throw new Error(
        `it is not the whole record of a draw, of version ${RECORD_VERSIONS.join(" or ")}`,
      );
    }
    return {
      id,
      winningNumber: Number(winningNumber),
      drawnAt: String(drawnAt),
      bets: agencies.reduce((sum, { bets }) => sum + bets, 0),
      winners: agencies.reduce((sum, { winners }) => sum + winners, 0),
      agencies,
    };
  }

  #shown(document: string): string {
    return this.#options.documents === "full" ? document : maskDocument(document);
  }
}

/** Returns a document of which only the end can be read. Short ones are masked whole. */
export function maskDocument(document: string): string {
  return document.length <= 2 * SHOWN_CHARS ? MASK : MASK + document.slice(-SHOWN_CHARS);
}

/** Whether a text may be the id of a draw. Nothing else may become a part of a path. */
function isDrawId(id: string): boolean {
  return /^[\w-]{1,64}$/.test(id);
}
