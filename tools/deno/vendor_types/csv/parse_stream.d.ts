import type { ParseResult } from "./_io.d.ts";

/** Options for {@linkcode CsvParseStream}; they mean what those of `parse` mean. */
export interface CsvParseStreamOptions {
  separator?: string;
  comment?: string;
  trimLeadingSpace?: boolean;
  lazyQuotes?: boolean;
  fieldsPerRecord?: number;
  skipFirstRow?: boolean;
  columns?: readonly string[];
}

/** One row of the stream. */
export type RowType<T> = T extends undefined ? string[]
  : ParseResult<CsvParseStreamOptions, T>[number];

/** Turns a stream of CSV text into a stream of rows. */
export class CsvParseStream<
  const T extends CsvParseStreamOptions | undefined = undefined,
> implements TransformStream<string, RowType<T>> {
  constructor(options?: T);
  get readable(): ReadableStream<RowType<T>>;
  get writable(): WritableStream<string>;
}
