/**
 * Figures of several runs.
 *
 * @module
 */

/** The median of several figures and their range. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** Summarizes figures, of which there must be at least one. */
export function spreadOf(figures: readonly number[]): Spread {
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2;
  return { median, min: sorted[0], max: sorted[sorted.length - 1] };
}

/** The median and the 99th percentile of latencies, of which there must be at least one. */
export function quantilesOf(timesMs: readonly number[]): { p50Ms: number; p99Ms: number } {
  const sorted = Float64Array.from(timesMs).sort();
  return {
    p50Ms: sorted[Math.floor(sorted.length * 0.5)],
    p99Ms: sorted[Math.floor(sorted.length * 0.99)],
  };
}

/** Summarizes the figures that are known. Returns undefined if none is. */
export function spreadOfKnown(figures: readonly (number | undefined)[]): Spread | undefined {
  const known = figures.filter((figure) => figure !== undefined);
  return known.length > 0 ? spreadOf(known) : undefined;
}

/**
 * Marks the figures that are not above their floor: what is measured as a difference to a floor cannot be
 * negative, so such a figure is noise. It becomes NaN, which is `noise` in a table and null in JSON.
 */
export function markNoise({ median, min, max }: Spread): Spread {
  const mark = (figure: number) => figure > 0 ? figure : NaN;
  return { median: mark(median), min: mark(min), max: mark(max) };
}
