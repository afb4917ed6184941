/**
 * Lines of log, as they come out of a process and as the programs of the lottery write them.
 *
 * @module
 */

/** The lines of a stream of UTF-8, without their line ends. A last line need not have one. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield line.replace(/\r$/, "");
  }
  if (rest !== "") yield rest;
}

/** An action that a log line tells of. */
export interface LoggedAction {
  action: string;
  result: string;
  /** What else the line says, by key. */
  details: Record<string, string>;
}

/** Reads a line such as `… action: listen | result: success | port: 12345`; other lines are none. */
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
