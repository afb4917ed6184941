/**
 * The rule by which a soak says that a server grows.
 *
 * @module
 */

/** What a server uses at one moment. */
export interface Sample {
  /** Since the load began. */
  seconds: number;
  /** Resident memory. */
  memoryBytes: number;
  /** Open file handles, sockets included. */
  handles: number;
  threads: number;
  /** Files on the volume, those of the ledger's rows excluded. They belong to all servers together. */
  logBytes: number;
  /** How long its status port took to answer. */
  delayMs: number;
}

/** What is judged, and how much more of it is growth. */
export const BOUNDS = {
  memoryBytes: 16 * 2 ** 20,
  handles: 16,
  threads: 4,
  logBytes: 2 ** 20,
} as const satisfies Partial<Record<keyof Sample, number>>;

/** A figure that is judged. */
export type Judged = keyof typeof BOUNDS;

/** How a figure has changed: the lows of the first and of the last quarter of the samples. */
export interface Change {
  before: number;
  after: number;
  isGrowth: boolean;
}

/**
 * Compares the last quarter of a server's samples with the first one.
 *
 * @param samples In the order of their time; at least one.
 * @param warmSeconds The samples before are left out: code is compiled, and the heap finds its size.
 */
export function changesOf(
  samples: readonly Sample[],
  warmSeconds: number,
): Record<Judged, Change> {
  const warm = samples.filter(({ seconds }) => seconds >= warmSeconds);
  const judged = warm.length > 0 ? warm : samples.slice(-1);
  const quarter = Math.ceil(judged.length / 4);
  const entries = Object.entries(BOUNDS).map(([name, bound]) => {
    const figures = judged.map((sample) => sample[name as Judged]);
    const [before, after] = [figures.slice(0, quarter), figures.slice(-quarter)].map(lowOf);
    return [name, { before, after, isGrowth: after - before > bound }];
  });
  return Object.fromEntries(entries);
}

/**
 * Returns the figure below which a tenth of the figures are. Memory goes up and down with the garbage that waits
 * for its collection, in minutes and by tens of mebibytes; what is never collected raises the low as well.
 */
function lowOf(figures: readonly number[]): number {
  return quantileOf(figures, 0.1);
}

/** Returns a quantile of figures, of which there must be at least one. */
export function quantileOf(figures: readonly number[], quantile: number): number {
  return figures.toSorted((one, other) => one - other)[Math.floor(figures.length * quantile)];
}
