/** Options for {@linkcode CsvStringifyStream}. */
export interface CsvStringifyStreamOptions {
  /** @default {","} */
  readonly separator?: string;
  readonly columns?: Array<string>;
}

/** Turns a stream of rows into a stream of CSV lines. */
export class CsvStringifyStream<TOptions extends CsvStringifyStreamOptions> extends TransformStream<
  TOptions["columns"] extends Array<string> ? Record<string, unknown> : Array<unknown>,
  string
> {
  constructor(options?: TOptions);
}
