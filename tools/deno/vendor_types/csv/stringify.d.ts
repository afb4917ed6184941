/** A way into a value: the index of an array or the name of a property. */
export type PropertyAccessor = number | string;

/** A column: where its value is, and its name. */
export type ColumnDetails = {
  header?: string;
  prop: PropertyAccessor | PropertyAccessor[];
};

/** A column, in full or in short. */
export type Column = ColumnDetails | PropertyAccessor | PropertyAccessor[];

/** One row before it is written. */
export type DataItem = Readonly<Record<string, unknown> | unknown[]>;

/** Options for {@linkcode stringify}. */
export type StringifyOptions = {
  /** Whether the names of the columns come first. @default {true} */
  headers?: boolean;
  /** @default {","} */
  separator?: string;
  columns?: readonly Column[];
  /** Whether a byte-order mark comes first. @default {false} */
  bom?: boolean;
};

/** Writes rows as CSV text, each ended by `\r\n`. */
export function stringify(data: readonly DataItem[], options?: StringifyOptions): string;
