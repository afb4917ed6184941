/**
 * What one check of this machine has found.
 *
 * @module
 */

/**
 * `ok`; `warning`: the lottery runs, though worse than it could; `fault`: it cannot be relied on;
 * `note`: neither good nor bad.
 */
export type Level = "ok" | "warning" | "fault" | "note";

/** A finding, one line of the report. */
export interface Finding {
  level: Level;
  /** What was found, and what to do about it. */
  text: string;
}

/** A check by its name. */
export interface Check {
  name: string;
  run: () => Promise<Finding> | Finding;
}

/** Writes a finding as a line. */
export function formatFinding(name: string, { level, text }: Finding): string {
  return `${level.padEnd(7)}  ${name.padEnd(10)}  ${text.replaceAll(/\s*\n\s*/g, " ")}`;
}

/** Runs a check. One that breaks off has found a fault. */
export async function runCheck({ run }: Check): Promise<Finding> {
  try {
    return await run();
  } catch (error) {
    return { level: "fault", text: `could not be checked: ${(error as Error).message}` };
  }
}

/**
 * The result of `work`, unless it takes too long.
 *
 * @throws {Error} With `message` after `timeoutMs`.
 */
export async function within<Result>(
  work: Promise<Result>,
  { timeoutMs, message }: { timeoutMs: number; message: string },
): Promise<Result> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), timeoutMs);
  });
  return await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
