/**
 * Figures out of several runs.
 *
 * @module
 */

/** The middle of several figures, and how far they lie apart. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** Sums several figures up. There must be one at least. */
export function spreadOf(figures: readonly number[]): Spread {
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2;
  return { median, min: sorted[0], max: sorted[sorted.length - 1] };
}

/** Writes a spread as `median (min to max)`. */
export function showSpread({ median, min, max }: Spread, digits: number): string {
  const show = (figure: number) =>
    figure.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits });
  return `${show(median)} (${show(min)} to ${show(max)})`;
}

/** Writes rows under their headings, in columns. */
export function showTable(headings: readonly string[], rows: readonly string[][]): string {
  const lines = [headings, ...rows];
  const widths = headings.map((_, at) => Math.max(...lines.map((line) => line[at].length)));
  return lines.map((line) => line.map((cell, at) => cell.padStart(widths[at])).join("  ")).join(
    "\n",
  );
}
