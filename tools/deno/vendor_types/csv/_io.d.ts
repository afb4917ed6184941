// Types for the JavaScript of @std/csv that tools/deno/vendor_std.ts unpacks: the public interface of 1.0.6.

/** A row as an object: one property per column name, where the names are known. */
export type RecordWithColumn<C extends string> = string extends C ? Record<string, string>
  : Record<C, string>;

/** The rows that come out of given options: objects with columns, otherwise arrays. */
export type ParseResult<Options, T> = T extends
  Options & { columns: readonly (infer C extends string)[] } ? RecordWithColumn<C>[]
  : T extends Options & { skipFirstRow: true } ? Record<string, string>[]
  : T extends Options & { columns?: undefined; skipFirstRow?: false | undefined } ? string[][]
  : Record<string, string>[] | string[][];
