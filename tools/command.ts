/**
 * What all commands share: flags, usage, error messages and exit codes.
 *
 * @module
 */

import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { type IntegerRule, SettingsError } from "../shared/config.ts";
import { escapeMessage, quoteText } from "../shared/readable.ts";
import { TaskError } from "./project.ts";

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

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
  /** Does the work. Returns the exit code. */
  run(flags: Flags<Options>, positionals: string[]): Promise<number>;
}

/**
 * Runs a command with the arguments of this process, or only prints its usage if `--help` is among
 * them. Prints what went wrong to stderr.
 *
 * @returns The exit code: the command's own, 2 for an invalid flag or setting, 1 for a failure that
 * needs no stack trace.
 */
export async function runCommand<const Options extends ParseArgsOptionsConfig>(
  { usage, options, allowPositionals = false, run }: Command<Options>,
): Promise<number> {
  if (asksForHelp(Deno.args)) {
    console.log(usage);
    return 0;
  }
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals });
    return await run(values as Flags<Options>, positionals);
  } catch (error) {
    const failure = explain(error, usage);
    const text = escapeMessage(failure.text);
    console.error(Deno.stderr.isTerminal() && !Deno.noColor ? red(text) : text);
    return failure.exitCode;
  }
}

/** Colors a text that reports a failure, for a terminal, line by line. */
export function red(text: string): string {
  return text.split("\n").map((line) => `\x1b[31m${line}\x1b[0m`).join("\n");
}

/** Whether `--help` or `-h` is among the flags, even next to an invalid one. */
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  const flags = end < 0 ? args : args.slice(0, end);
  return flags.includes("--help") || flags.includes("-h");
}

/** Explains an error to the operator. @throws The error itself, if only a developer understands it. */
function explain(error: unknown, usage: string): { text: string; exitCode: number } {
  if (!(error instanceof Error)) throw error;
  const { message } = error;
  // parseArgs throws TypeErrors with such a code.
  const isParseError = "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
  if (isParseError || error instanceof UsageError) {
    return { text: `${message}${helpHint(usage)}`, exitCode: EXIT_USAGE };
  }
  if (error instanceof SettingsError) return { text: message, exitCode: EXIT_USAGE };
  if (error instanceof TaskError) return { text: message, exitCode: EXIT_FAILURE };
  // The operating system refused something, such as writing to a read-only disk. Its message names
  // the path, and a stack trace would not help the operator.
  if (!/\(os error \d+\)/.test(message)) throw error;
  const reason = error instanceof Deno.errors.NotFound
    ? message.replace(/^.*\(os error \d+\)/, "a file or folder is missing")
    : message;
  return { text: `Cannot continue: ${reason}`, exitCode: EXIT_FAILURE };
}

/** Returns a line that points to `--help` of the task that `usage` describes. */
function helpHint(usage: string): string {
  const task = /^Usage: (\S+ task \w+)/m.exec(usage)?.[1];
  return task === undefined ? "" : `\n${task} --help lists all flags.`;
}

/**
 * Reads the value of a flag that must be an integer.
 *
 * @param text The value, or undefined if the flag was not given: then the default of `rule` holds.
 * @throws {UsageError} If the value is not an integer within the range of `rule`, or the flag is missing and
 * has no default.
 */
export function integerFlag(name: string, text: string | undefined, rule: IntegerRule): number {
  const { min, max } = rule;
  if (text === undefined && rule.default !== undefined) return rule.default;
  const value = /^\d{1,15}$/.test(text ?? "") ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  const found = text === undefined ? "missing" : quoteText(text);
  throw new UsageError(`--${name} is ${found}: give an integer from ${min} to ${max}`);
}
