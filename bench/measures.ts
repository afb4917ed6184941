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

/** The same where figures may be missing: nothing if they are. */
export function spreadOfKnown(figures: readonly (number | undefined)[]): Spread | undefined {
  const known = figures.filter((figure) => figure !== undefined);
  return known.length > 0 ? spreadOf(known) : undefined;
}

/** Writes a spread as `median (min to max)`, or nothing where there is none. */
export function showSpread(spread: Spread | undefined, digits: number): string {
  if (spread === undefined) return "";
  const { median, min, max } = spread;
  return `${show(median, digits)} (${show(min, digits)} to ${show(max, digits)})`;
}

/** Writes the median alone, or nothing where there is none. */
export function showMedian(spread: Spread | undefined, digits: number): string {
  return spread === undefined ? "" : show(spread.median, digits);
}

/** Writes an amount of memory in millions of bytes, or nothing where it is not known. */
export function showMegabytes(bytes: number | undefined): string {
  return bytes === undefined ? "" : show(bytes / 1e6, 0);
}

function show(figure: number, digits: number): string {
  return figure.toLocaleString("en", {
    maximumFractionDigits: digits,
    minimumFractionDigits: digits,
  });
}

/** Writes rows under their headings, as a table of Markdown that is legible as it is. */
export function showTable(headings: readonly string[], rows: readonly string[][]): string {
  const lines = [headings, ...rows];
  const widths = headings.map((_, at) => Math.max(...lines.map((line) => line[at].length), 3));
  const showLine = (cells: readonly string[]) =>
    `| ${cells.map((cell, at) => cell.padStart(widths[at])).join(" | ")} |`;
  const rule = showLine(widths.map((width) => `${"-".repeat(width - 1)}:`));
  return [showLine(headings), rule, ...rows.map(showLine)].join("\n");
}
