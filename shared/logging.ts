/**
 * Log lines as the course writes them: `action: NAME | result: success | key: value`, behind the time
 * and the level. The only module that knows @std/log.
 *
 * @module
 */

import { BaseHandler, type LevelName, Logger, LogLevels, type LogRecord } from "@std/log";

/** How an action went. */
export type Result = "in_progress" | "success" | "fail";

/** What a line says beside action and result, in this order. */
export type Details = Record<string, string | number | boolean>;

/** The levels' names in a server's settings, and in its log lines. */
export const SERVER_LEVELS = {
  NOTSET: "NOTSET",
  DEBUG: "DEBUG",
  INFO: "INFO",
  WARNING: "WARN",
  ERROR: "ERROR",
  CRITICAL: "CRITICAL",
} as const satisfies Record<string, LevelName>;

/** The levels' names in a client's settings; its log lines have them in capitals. */
export const CLIENT_LEVELS = {
  debug: "DEBUG",
  info: "INFO",
  warn: "WARN",
  error: "ERROR",
  fatal: "CRITICAL",
} as const satisfies Record<string, LevelName>;

/** Takes finished lines, without their line ends. Must not throw, and must not wait. */
export type LineSink = (line: string) => void;

/** Where the actions of a program are written down. */
export class ActionLog {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** What a developer wants to see. */
  debug(action: string, result: Result, details: Details = {}): void {
    // Most lines of this level are never shown: do not write them first.
    if (this.#logger.level <= LogLevels.DEBUG) {
      this.#logger.debug(formatAction(action, result, details));
    }
  }

  /** What an operator wants to see. */
  info(action: string, result: Result, details: Details = {}): void {
    this.#logger.info(formatAction(action, result, details));
  }

  /** What is wrong, though the program copes. */
  warning(action: string, result: Result, details: Details = {}): void {
    this.#logger.warn(formatAction(action, result, details));
  }

  /** What has failed. */
  error(action: string, result: Result, details: Details = {}): void {
    this.#logger.error(formatAction(action, result, details));
  }

  /** What ends the program. */
  critical(action: string, result: Result, details: Details = {}): void {
    this.#logger.critical(formatAction(action, result, details));
  }
}

/** Options of {@linkcode openLog}. */
export interface LogOptions {
  /** The names of the levels. */
  levels: typeof SERVER_LEVELS | typeof CLIENT_LEVELS;
  /** Lines below this one of `levels` are not written. */
  level: string;
  /** Where lines go. */
  sink: LineSink;
  /** @default {Date.now} */
  now?: () => number;
}

/** Opens a log that writes what is of `level` or above to `sink`. */
export function openLog({ levels, level, sink, now = Date.now }: LogOptions): ActionLog {
  const levelName = (levels as Record<string, LevelName>)[level];
  const names = new Map(Object.entries(levels).map(([ours, std]) => [std, ours.toUpperCase()]));
  const handler = new SinkHandler(levelName, {
    formatter: (record: LogRecord) => {
      const shown = names.get(record.levelName as LevelName) ?? record.levelName;
      return `${formatTime(now())} ${shown.padEnd(8)} ${record.msg}`;
    },
  }, sink);
  return new ActionLog(new Logger("lottery", levelName, { handlers: [handler] }));
}

class SinkHandler extends BaseHandler {
  readonly #sink: LineSink;

  constructor(
    level: LevelName,
    options: { formatter: (record: LogRecord) => string },
    sink: LineSink,
  ) {
    super(level, options);
    this.#sink = sink;
  }

  override log(line: string): void {
    this.#sink(line);
  }
}

/** Writes an action as one line. What could break the line, or feign another field, is escaped. */
export function formatAction(action: string, result: Result, details: Details): string {
  let line = `action: ${action} | result: ${result}`;
  for (const key in details) line += ` | ${key}: ${formatValue(details[key])}`;
  return line;
}

// deno-lint-ignore no-control-regex
const TO_ESCAPE = /[\x00-\x1f\x7f-\x9f\u2028\u2029|]/;
/** What JSON leaves as it is, though it may end a line, move a cursor or separate fields. */
const TO_ESCAPE_BESIDE_JSON = /[\x7f-\x9f\u2028\u2029|]/g;

function formatValue(value: string | number | boolean): string {
  const text = String(value);
  if (!TO_ESCAPE.test(text)) return text;
  return JSON.stringify(text).replace(
    TO_ESCAPE_BESIDE_JSON,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
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

/** Lines that may wait for a slow reader before the writer drops the next ones. */
const WAITING_LINES_MAX = 10_000;

/**
 * Writes lines without ever making the program wait: where nobody reads, lines are dropped and counted,
 * never the bets behind them.
 */
export class LineWriter {
  readonly #sink: ByteSink;
  readonly #linesMax: number;
  #waiting: string[] = [];
  #dropped = 0;
  #writing: Promise<void> | undefined;

  constructor(sink: ByteSink, linesMax = WAITING_LINES_MAX) {
    this.#sink = sink;
    this.#linesMax = linesMax;
  }

  /** Takes a line. It is written as soon as the lines before it are. */
  readonly write: LineSink = (line) => {
    if (this.#waiting.length >= this.#linesMax) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(line);
    this.#writing ??= this.#drain();
  };

  /** Waits until all lines are written, or for `timeoutMs` at the most. */
  async flush(timeoutMs: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<void>((resolve) => timer = setTimeout(resolve, timeoutMs));
    await Promise.race([this.#writing, timeout]);
    clearTimeout(timer);
  }

  async #drain(): Promise<void> {
    const encoder = new TextEncoder();
    // Lines of the same moment are written in one go.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      if (this.#dropped > 0) {
        this.#waiting.push(`${this.#dropped} log lines were dropped: nobody read them in time`);
        this.#dropped = 0;
      }
      let bytes = encoder.encode(this.#waiting.join("\n") + "\n");
      this.#waiting = [];
      try {
        while (bytes.length > 0) bytes = bytes.subarray(await this.#sink.write(bytes));
      } catch {
        // The reader is gone. The lottery goes on without a log, as it does without a reader.
      }
    }
    this.#writing = undefined;
  }
}
