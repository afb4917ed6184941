// The part of @std/csv 1.0.6 that this project uses: see tools/deno/README.md.

import type { ParseOptions } from "./parse.d.ts";
export { parse, type ParseOptions } from "./parse.d.ts";

/** Parses a stream of CSV text into rows. */
export class CsvParseStream extends TransformStream<string, string[]> {
  constructor(options?: ParseOptions);
}

/** Formats rows as CSV text; each ends in `\r\n`. */
export function stringify(
  rows: readonly (readonly unknown[])[],
  options: { headers: false; separator?: string },
): string;
