/**
 * The log of a program. A line is `TIME LEVEL action: NAME | result: success | key: value`, or a
 * JSON object with the same fields.
 *
 * @module
 */

import { withDeadline } from "./deadline.ts";
import { isReadable, quoteJson, quoteText } from "./readable.ts";

/** The outcome of an action. */
export type Result = "in_progress" | "success" | "fail";

/** Further fields of a line, in their order. */
export type Details = Record<string, string | number | boolean>;

/** The levels of lines, the least urgent first. */
const LEVELS = ["NOTSET", "DEBUG", "INFO", "WARN", "ERROR", "CRITICAL"] as const;
/** The level of a line. */
export type LevelName = typeof LEVELS[number];

/** The names of levels in a server's settings and log lines. */
export const SERVER_LEVELS = {
  NOTSET: "NOTSET",
  DEBUG: "DEBUG",
  INFO: "INFO",
  WARNING: "WARN",
  ERROR: "ERROR",
  CRITICAL: "CRITICAL",
} as const satisfies Record<string, LevelName>;

/** The names of levels in a client's settings. Its log lines show them in capitals. */
export const CLIENT_LEVELS = {
  debug: "DEBUG",
  info: "INFO",
  warn: "WARN",
  error: "ERROR",
  fatal: "CRITICAL",
} as const satisfies Record<string, LevelName>;

/** How lines are written: as people read them, or as JSON for programs. */
export const LOG_FORMATS = ["text", "json"] as const;
export type LogFormat = typeof LOG_FORMATS[number];

/** Takes complete lines, without line ends. Must neither throw nor block. */
export type LineSink = (line: string) => void;

/** Takes a line of a level. */
type LevelSink = (level: LevelName, action: string, result: Result, details: Details) => void;

/** Logs the actions of a program. */
export class ActionLog {
  readonly #sink: LevelSink;

  /** See {@linkcode openLog}. */
  constructor(sink: LevelSink) {
    this.#sink = sink;
  }

  /** Logs what helps a developer. */
  debug(action: string, result: Result, details: Details = {}): void {
    this.#sink("DEBUG", action, result, details);
  }

  /** Logs what an operator should see. */
  info(action: string, result: Result, details: Details = {}): void {
    this.#sink("INFO", action, result, details);
  }

  /** Logs a problem that the program can handle. */
  warning(action: string, result: Result, details: Details = {}): void {
    this.#sink("WARN", action, result, details);
  }

  /** Logs a failure. */
  error(action: string, result: Result, details: Details = {}): void {
    this.#sink("ERROR", action, result, details);
  }

  /** Logs the failure that ends the program. */
  critical(action: string, result: Result, details: Details = {}): void {
    this.#sink("CRITICAL", action, result, details);
  }
}

/** Options of {@linkcode openLog}. */
export interface LogOptions {
  /** The names of the levels. */
  levels: typeof SERVER_LEVELS | typeof CLIENT_LEVELS;
  /** The lowest of `levels` to write. */
  level: string;
  /** Where the lines go. */
  sink: LineSink;
  /** @default {"text"} */
  format?: LogFormat;
  /** Clock, in milliseconds since 1970. @default {Date.now} */
  now?: () => number;
}

/**
 * Opens a log that writes lines of `level` and above to `sink`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { openLog, SERVER_LEVELS } from "./logging.ts";
 *
 * const lines: string[] = [];
 * const sink = (line: string) => lines.push(line);
 * const log = openLog({ levels: SERVER_LEVELS, level: "INFO", sink });
 * log.info("apuestas_almacenadas", "success", { agency: 1 });
 *
 * const [_time, fields] = lines[0].split(" INFO     ");
 * assertEquals(fields, "action: apuestas_almacenadas | result: success | agency: 1");
 * ```
 */
export function openLog(
  { levels, level, sink, format = "text", now = Date.now }: LogOptions,
): ActionLog {
  const lowest = LEVELS.indexOf((levels as Record<string, LevelName>)[level]);
  const names = new Map(Object.entries(levels).map(([ours, name]) => [name, ours.toUpperCase()]));
  return new ActionLog((name, action, result, details) => {
    // Most lines of the lowest level are not shown, so they are not formatted either.
    if (LEVELS.indexOf(name) < lowest) return;
    const shown = names.get(name) ?? name;
    sink(
      format === "json"
        ? formatJson(now(), shown, formatFields(action, result, details))
        : `${formatTime(now())} ${shown.padEnd(8)} ${formatAction(action, result, details)}`,
    );
  });
}

/**
 * Formats an action as one line. Escapes whatever could break the line, forge another field, or show
 * other words than it holds.
 */
export function formatAction(action: string, result: Result, details: Details): string {
  let line = `action: ${action} | result: ${result}`;
  for (const key in details) line += ` | ${key}: ${formatValue(details[key])}`;
  return line;
}

/** Formats an action as the fields of a JSON object, without its braces. */
function formatFields(action: string, result: Result, details: Details): string {
  return quoteJson({ action, result, ...details }).slice(1, -1);
}

/** Completes the fields of an action to a JSON object. The time is in RFC 3339, in UTC. */
function formatJson(timeMs: number, level: string, fields: string): string {
  return `{"time":"${new Date(timeMs).toISOString()}","level":"${level}",${fields}}`;
}

function formatValue(value: string | number | boolean): string {
  const text = String(value);
  if (isReadable(text) && !text.includes("|")) return text;
  return quoteText(text).replaceAll("|", "\\u007c");
}

function formatTime(timeMs: number): string {
  const date = new Date(timeMs);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** The part of Deno.stdout that {@linkcode LineWriter} uses. */
export interface ByteSink {
  write(bytes: Uint8Array): Promise<number>;
}

/** Most lines that wait for a slow reader. The writer drops further ones. */
const WAITING_LINES_MAX = 10_000;

/**
 * Writes lines without ever blocking the program. If nobody reads them, it drops and counts them,
 * so that a stalled reader of the log cannot stop the lottery.
 */
export class LineWriter {
  /** How the lines are written: its own line about dropped ones is written in the same way. */
  format: LogFormat = "text";
  readonly #sink: ByteSink;
  readonly #linesMax: number;
  #waiting: string[] = [];
  #dropped = 0;
  #writing: Promise<void> | undefined;

  constructor(sink: ByteSink, linesMax = WAITING_LINES_MAX) {
    this.#sink = sink;
    this.#linesMax = linesMax;
  }

  /** Takes a line, to be written right after those before it. */
  readonly write: LineSink = (line) => {
    if (this.#waiting.length >= this.#linesMax) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(line);
    this.#writing ??= this.#drain();
  };

  /** Waits until all lines are written, but no longer than `timeoutMs`. */
  async flush(timeoutMs: number): Promise<void> {
    const written = this.#writing ?? Promise.resolve();
    const error = () => new Error("The log was not written in time");
    await withDeadline(written, { timeoutMs, error }).catch(() => {});
  }

  async #drain(): Promise<void> {
    const encoder = new TextEncoder();
    // Lines of the same moment share a write.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      if (this.#dropped > 0) {
        const error = `${this.#dropped} log lines were dropped: nobody read them in time`;
        const fields = () => formatFields("log", "fail", { error });
        this.#waiting.push(
          this.format === "json" ? formatJson(Date.now(), "WARNING", fields()) : error,
        );
        this.#dropped = 0;
      }
      let bytes = encoder.encode(this.#waiting.join("\n") + "\n");
      this.#waiting = [];
      try {
        while (bytes.length > 0) bytes = bytes.subarray(await this.#sink.write(bytes));
      } catch {
        // The reader is gone. The lottery continues without a log.
      }
    }
    this.#writing = undefined;
  }
}
