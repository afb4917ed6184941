/**
 * Judges the rows that are on the volume when a server starts: they may have been edited by hand since servers
 * wrote them. Rows that servers write later need no second judgement.
 *
 * @module
 */

import { LINE_FEED } from "../../../shared/ascii.ts";
import { RowChecker, type RowRules } from "./bet_row.ts";

/** Finds invalid rows. */
export class RowAudit {
  readonly #checker: RowChecker;

  constructor(rules: RowRules) {
    this.#checker = new RowChecker(rules);
  }

  /** Position of the first invalid row among the complete rows of `bytes`; -1 if all are valid. */
  firstInvalidRow(bytes: Uint8Array): number {
    for (let at = 0;;) {
      const end = bytes.indexOf(LINE_FEED, at);
      if (end < 0) return -1;
      if (this.#checker.check(bytes, at, end) !== undefined) return at;
      at = end + 1;
    }
  }
}
