import type { ParseResult, RecordWithColumn } from "./_io.d.ts";

export type { ParseResult, RecordWithColumn };

/** Options for {@linkcode parse}. */
export interface ParseOptions {
  /** @default {","} */
  separator?: string;
  /** Rows that begin with it are left out. */
  comment?: string;
  /** @default {false} */
  trimLeadingSpace?: boolean;
  /** Lets quotes stand in unquoted fields. @default {false} */
  lazyQuotes?: boolean;
  /** Positive: so many fields in each row. 0: as many as in the first row. Negative: any number. */
  fieldsPerRecord?: number;
  /** Takes the first row as the names of the columns. @default {false} */
  skipFirstRow?: boolean;
  /** The names of the columns. */
  columns?: readonly string[];
}

/** Parses CSV text into rows. Throws a SyntaxError where it is malformed. */
export function parse(input: string): string[][];
/** Parses CSV text into rows. Throws a SyntaxError where it is malformed. */
export function parse<const T extends ParseOptions>(
  input: string,
  options: T,
): ParseResult<ParseOptions, T>;
