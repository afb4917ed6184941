/**
 * The faults of a file: how many of each kind, and where the first of them are.
 *
 * @module
 */

import type { LineFault } from "../../server/ledger/bet_row.ts";
import type { Line } from "./lines.ts";

/** Most faults of one kind whose place is kept. */
const PLACED_FAULTS_MAX = 10;

/** All faults of one kind. */
export interface FaultKind {
  kind: string;
  count: number;
  /** The first of them, with the number and the offset of their lines. */
  first: (Pick<Line, "number" | "offset"> & { text: string })[];
}

/** Counts faults by kind. Its memory is bounded, because there are few kinds. */
export class FaultList {
  readonly #kinds = new Map<string, FaultKind>();
  /** Faults of all kinds. */
  count = 0;

  add({ kind, text }: LineFault, { number, offset }: Pick<Line, "number" | "offset">): void {
    const faults = this.#kinds.get(kind) ?? { kind, count: 0, first: [] };
    this.#kinds.set(kind, faults);
    faults.count++;
    this.count++;
    if (faults.first.length < PLACED_FAULTS_MAX) faults.first.push({ number, offset, text });
  }

  /** Returns the line of the first fault of all; nothing if there is none. */
  first(): Pick<Line, "number" | "offset"> | undefined {
    const firsts = this.kinds().map(({ first: [first] }) => first);
    return firsts.sort((one, other) => one.offset - other.offset).at(0);
  }

  /** Returns the kinds, in the order in which they were first seen. */
  kinds(): FaultKind[] {
    return [...this.#kinds.values()];
  }
}
