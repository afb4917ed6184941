/**
 * Log lines, parsed as the programs of the lottery write them.
 *
 * @module
 */

/**
 * Parses a log line such as `… action: listen | result: success | port: 12345`, or one in JSON.
 *
 * @returns Its fields by name, among them `action` and `result`; undefined for any other line.
 */
export function parseAction(line: string): Record<string, string> | undefined {
  if (line.startsWith("{")) return parseJsonAction(line);
  const start = line.indexOf("action: ");
  if (start < 0) return undefined;
  const fields = line.slice(start).split(" | ").map((field) => {
    const colon = field.indexOf(":");
    return [field.slice(0, colon), field.slice(colon + 1).trim()];
  });
  const action = Object.fromEntries(fields);
  return "result" in action ? action : undefined;
}

function parseJsonAction(line: string): Record<string, string> | undefined {
  try {
    const fields: Record<string, unknown> = JSON.parse(line);
    if (!("action" in fields && "result" in fields)) return undefined;
    return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, String(value)]));
  } catch {
    return undefined;
  }
}
