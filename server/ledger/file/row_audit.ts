/**
 * Judges the rows that are on the volume when a server starts: they may have been edited by hand since servers
 * wrote them. Rows that servers write later need no second judgment.
 *
 * @module
 */

import { LINE_FEED } from "../../../shared/ascii.ts";
import { RowCheck } from "../../../shared/simd/row_check.ts";
import { RowChecker, type RowRules } from "../bet_row.ts";

/** Finds invalid rows. Common rows are judged by vector code, the others by {@linkcode RowChecker}. */
export class RowAudit {
  readonly #checker: RowChecker;
  readonly #check: RowCheck;

  /** @param inputBytesMax Most bytes that are judged at a time. */
  constructor(rules: RowRules, inputBytesMax: number) {
    this.#checker = new RowChecker(rules);
    this.#check = new RowCheck({ ...rules, inputBytesMax });
  }

  /** Position of the first invalid row among the complete rows of `bytes`; -1 if all are valid. */
  firstInvalidRow(bytes: Uint8Array): number {
    const end = bytes.lastIndexOf(LINE_FEED) + 1;
    this.#check.input.set(bytes.subarray(0, end));
    for (let at = 0;;) {
      at = this.#check.check(at, end);
      if (at === end) return -1;
      const rowEnd = bytes.indexOf(LINE_FEED, at);
      if (this.#checker.check(bytes, at, rowEnd) !== undefined) return at;
      at = rowEnd + 1;
    }
  }
}
