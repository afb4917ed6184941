/**
 * Log lines: split from a stream, and parsed as the programs of the lottery write them.
 *
 * @module
 */

/** Yields the lines of UTF-8 text without their line ends; the last one need not have any. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const bytes of chunks) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield line.replace(/\r$/, "");
  }
  if (rest !== "") yield rest;
}

/** An action in a log line. */
export interface LoggedAction {
  action: string;
  result: string;
  /** The other fields of the line, by key. */
  details: Record<string, string>;
}

/** Parses a line such as `… action: listen | result: success | port: 12345`, if it is one. */
export function parseAction(line: string): LoggedAction | undefined {
  const start = line.indexOf("action: ");
  if (start < 0) return undefined;
  const details: Record<string, string> = {};
  for (const field of line.slice(start).split(" | ")) {
    const colon = field.indexOf(":");
    details[field.slice(0, colon)] = field.slice(colon + 1).trim();
  }
  const { action, result, ...rest } = details;
  return result === undefined ? undefined : { action, result, details: rest };
}
