/**
 * What all commands share: flags, usage, error messages and exit codes.
 *
 * @module
 */

import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { type IntegerRule, SettingsError } from "../shared/config.ts";
import { TaskError } from "./project.ts";

/** The arguments of a command are invalid. The message names the argument and what it may be. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** The values of a command's flags. */
type Flags<Options extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ options: Options }>
>["values"];

/** A command. */
export interface Command<Options extends ParseArgsOptionsConfig> {
  usage: string;
  /** Its flags, and whether it takes other arguments, for `parseArgs` of node:util. */
  options: Options;
  allowPositionals?: boolean;
  /** Does the work. Resolves to the exit code. */
  run(flags: Flags<Options>, positionals: string[]): Promise<number>;
}

/**
 * Runs a command with the arguments of this process, or prints its usage for `--help`. Prints what
 * went wrong to stderr.
 *
 * @returns The exit code: the command's own, 2 for an invalid flag or setting, 1 for a failure that
 * needs no stack trace.
 */
export async function runCommand<const Options extends ParseArgsOptionsConfig>(
  { usage, options, allowPositionals = false, run }: Command<Options>,
): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      options: { ...options, help: { type: "boolean" } },
      allowPositionals,
    });
    const { help, ...flags } = values as Flags<Options> & { help?: boolean };
    if (!help) return await run(flags as Flags<Options>, positionals);
    console.log(usage);
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // parseArgs throws TypeErrors with such a code.
    const isUsage = error instanceof SettingsError || error instanceof UsageError ||
      "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
    const isExplained = isUsage || error instanceof TaskError;
    // The operating system refused something, such as writing to a read-only disk. Its message
    // names the path, and a stack trace would not help the operator.
    if (!isExplained && !/\(os error \d+\)/.test(error.message)) throw error;
    console.error(`${isExplained ? "" : "Cannot continue: "}${(error as Error).message}`);
    return isUsage ? 2 : 1;
  }
}

/**
 * Reads the value of a flag that must be an integer.
 *
 * @throws {UsageError} If it is not one, or is out of range.
 */
export function integerFlag(name: string, text: string | undefined, rule: IntegerRule): number {
  if (text === undefined && rule.default !== undefined) return rule.default;
  const value = /^\d{1,15}$/.test(text ?? "") ? Number(text) : NaN;
  if (value >= rule.min && value <= rule.max) return value;
  throw new UsageError(`--${name} is "${text}": give an integer from ${rule.min} to ${rule.max}`);
}
