/**
 * Faults: the promises that a run found broken.
 *
 * @module
 */

/** The kinds of fault. */
export type FaultKind =
  /** An acknowledged bet or close is missing. */
  | "lost"
  /** A bet or close is stored more than once. */
  | "duplicate"
  /** A stored row is not a bet that an agency sent. */
  | "never sent"
  | "out of order"
  /** Part of a batch is stored, and no power cut hit it. */
  | "torn batch"
  | "torn row"
  /** A bet was stored or acknowledged after its agency's close. */
  | "late"
  /** Replicas of a stream differ. */
  | "diverged"
  | "early draw"
  | "wrong winners"
  /** A run that should have ended has not. */
  | "unfinished"
  /** A process exited in a way it should not. */
  | "bad exit"
  /** An agency saw a failure where it should have waited. */
  | "error"
  /** A server took more memory than it may. */
  | "memory";

/** One broken promise. */
export interface Fault {
  kind: FaultKind;
  detail: string;
}

/** How many faults of one kind are listed; the rest are only counted. */
const LISTED_MAX = 5;

/** Collects faults, but no more than a person would read. */
export class FaultList {
  readonly #byKind = new Map<FaultKind, string[]>();

  add(kind: FaultKind, detail: string): void {
    const details = this.#byKind.get(kind) ?? [];
    this.#byKind.set(kind, details);
    details.push(detail);
  }

  /** Returns the first faults of each kind, and how many more there are. */
  list(): Fault[] {
    return [...this.#byKind].flatMap(([kind, details]) => {
      const listed = details.slice(0, LISTED_MAX);
      const more = details.length - listed.length;
      if (more > 0) listed.push(`… and ${more} more of this kind`);
      return listed.map((detail) => ({ kind, detail }));
    });
  }
}

/** Formats faults, one a line. */
export function describeFaults(faults: readonly Fault[]): string {
  return faults.map(({ kind, detail }) => `  ${kind}: ${detail}`).join("\n");
}
