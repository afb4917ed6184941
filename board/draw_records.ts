/**
 * Reads the records of draws, which servers write once a draw is settled. The board never computes winners.
 *
 * @module
 */

import type { DocumentStyle } from "./settings.ts";
import type { AgencyOutcome, DrawOutcome } from "./state.ts";

/** Most winners of an agency that the page is told of. The record itself has all. */
export const DOCUMENTS_MAX = 50;
/** How many characters of a masked document are shown, and what stands for the others, however many. */
const SHOWN_CHARS = 3;
const MASK = "•••••";

/** A record, as far as the board reads it: `draws/<id>/result.json`. */
interface DrawRecord {
  id: string;
  winningNumber: number;
  drawnAt?: string;
  agencies: {
    agency: number;
    bets: number;
    winners: { document: string }[];
  }[];
}

/** Options of {@linkcode DrawRecords}. */
export interface DrawRecordsOptions {
  /** The folder of the records. */
  folder: string;
  documents: DocumentStyle;
  /** @default {Deno.readTextFile} */
  readFile?: (path: string) => Promise<string>;
}

/** The records of all draws. */
export class DrawRecords {
  readonly #options: Required<DrawRecordsOptions>;

  constructor(options: DrawRecordsOptions) {
    this.#options = { readFile: (path) => Deno.readTextFile(path), ...options };
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
    const { folder, readFile } = this.#options;
    let text: string;
    try {
      text = await readFile(`${folder}/${id}/result.json`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    return this.#outcomeOf(JSON.parse(text), documentsMax);
  }

  #outcomeOf(record: DrawRecord, documentsMax: number): DrawOutcome {
    const agencies = record.agencies.map(({ agency, bets, winners }): AgencyOutcome => ({
      agency,
      bets,
      winners: winners.length,
      documents: winners.slice(0, documentsMax).map(({ document }) => this.#shown(document)),
    }));
    return {
      id: record.id,
      winningNumber: record.winningNumber,
      drawnAt: record.drawnAt ?? null,
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
