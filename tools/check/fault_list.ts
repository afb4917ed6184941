/**
 * The faults of a file: how many of each kind, and the first few of them.
 *
 * @module
 */

import type { LineFault } from "./bet_rows.ts";
import type { Line } from "./lines.ts";

/** Faults of one kind that are told one by one. */
export const SHOWN_FAULTS_MAX = 10;

/** A fault and its place. */
export interface PlacedFault {
  /** Counted from 1. */
  line: number;
  /** Of the line's first byte, from the beginning of the file. */
  offset: number;
  text: string;
}

/** All faults of one kind. */
export interface FaultKind {
  kind: string;
  count: number;
  /** At most {@linkcode SHOWN_FAULTS_MAX}. */
  first: PlacedFault[];
}

/** Counts faults by kind. Its memory is bounded: there are few kinds. */
export class FaultList {
  readonly #kinds = new Map<string, FaultKind>();
  /** All faults. */
  count = 0;

  add({ kind, text }: LineFault, { number, offset }: Pick<Line, "number" | "offset">): void {
    let known = this.#kinds.get(kind);
    if (known === undefined) this.#kinds.set(kind, known = { kind, count: 0, first: [] });
    known.count++;
    this.count++;
    if (known.first.length < SHOWN_FAULTS_MAX) known.first.push({ line: number, offset, text });
  }

  /** In the order in which they first were seen. */
  kinds(): FaultKind[] {
    return [...this.#kinds.values()];
  }
}
