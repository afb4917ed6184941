/**
 * What every task of the command line has in common: flags, faults and exit codes.
 *
 * @module
 */

import { type IntegerRule, SettingsError } from "../shared/config.ts";

/** How a person starts a task. `./denow` works whether Deno is on the PATH or not; it is a POSIX shell's script. */
export const TASK: string = Deno.build.os === "windows" ? "deno task" : "./denow task";

/** The person has asked for something that there is not. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** What the person wants cannot be done now. The message says what to do. */
export class TaskError extends Error {
  override name = "TaskError";
}

/**
 * Reads a flag that is an integer.
 *
 * @throws {UsageError} If it is another text, or out of range.
 */
export function integerFlag(name: string, text: string | undefined, rule: IntegerRule): number {
  if (text === undefined && rule.default !== undefined) return rule.default;
  const value = /^\d{1,15}$/.test(text ?? "") ? Number(text) : NaN;
  if (value >= rule.min && value <= rule.max) return value;
  throw new UsageError(`--${name} is "${text}": give an integer from ${rule.min} to ${rule.max}`);
}

/**
 * Runs a task and says what went wrong.
 *
 * @returns The exit code: that of the task, 2 for a wrong flag or setting, 1 where it could not be done.
 */
export async function runTask(run: (args: string[]) => Promise<number>): Promise<number> {
  try {
    return await run(Deno.args);
  } catch (error) {
    if (error instanceof SettingsError || isUsageError(error)) {
      console.error(error.message);
      return 2;
    }
    if (error instanceof TaskError) {
      console.error(error.message);
      return 1;
    }
    if (isSystemError(error)) {
      console.error(`Cannot go on: ${error.message}`);
      return 1;
    }
    throw error;
  }
}

/**
 * Whether the operating system has refused something: a folder that is a file, a disk that cannot be written.
 * Such a message names the path, and a trace of our modules would add nothing for the person.
 */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && /\(os error \d+\)/.test(error.message);
}

/** Whether the person's arguments are at fault; node:util throws a TypeError with such a code. */
function isUsageError(error: unknown): error is Error {
  if (error instanceof UsageError) return true;
  const code = error instanceof TypeError
    ? (error as TypeError & { code?: string }).code
    : undefined;
  return code?.startsWith("ERR_PARSE_ARGS") ?? false;
}
