// The part of @std/csv 1.0.6 that this project uses: see tools/deno/README.md.

/** Options of {@linkcode parse} and of CsvParseStream. */
export interface ParseOptions {
  separator?: string;
  /** Fields of each row. 0: as many as in the first row. Negative: any number. */
  fieldsPerRecord?: number;
}

/** Parses CSV text into rows. Throws a SyntaxError if it is malformed. */
export function parse(input: string, options?: ParseOptions): string[][];
