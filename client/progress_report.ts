/**
 * Reports how many bets are stored while an agency sends them: as a bar on a terminal, or as a log line every
 * few seconds elsewhere.
 *
 * @module
 */

import type { ActionLog } from "../shared/logging.ts";

/** Shortest time between two drawings. More would flicker. */
const DRAW_EVERY_MS = 100;
/** Time between two log lines. */
const LOG_EVERY_MS = 5000;
/** Longest bar, in characters between its brackets. */
const BAR_CHARS_MAX = 40;
/** Moves the cursor to the first column and clears the line. */
const CLEAR_LINE = "\r\x1b[K";

/** Receives the progress of one agency. */
export interface ProgressReport {
  /** `stored` bets are stored so far. */
  update(stored: number): void;
  /** All bets are stored. */
  end(): void;
}

/** A terminal: the part of Deno.stderr that is used. */
export interface Terminal {
  write(text: string): void;
  /** Returns its width in characters. */
  columns(): number;
}

/** Options of every {@linkcode ProgressReport}. */
export interface ProgressOptions {
  agency: number;
  /** The number of bets to store. */
  total: number;
  /** Milliseconds since any fixed moment. @default {performance.now} */
  now?: () => number;
}

/** Computes how fast bets are stored. */
class Pace {
  readonly #now: () => number;
  #startedMs = 0;
  #first = -1;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Returns the bets per second since the first call. Bets stored before it do not count. */
  betsPerSecond(stored: number): number {
    if (this.#first < 0) {
      this.#first = stored;
      this.#startedMs = this.#now();
    }
    const seconds = (this.#now() - this.#startedMs) / 1000;
    return seconds > 0 ? Math.round((stored - this.#first) / seconds) : 0;
  }
}

/** Draws a bar on a terminal. Hide it before writing another line; the next update draws it again. */
export class ProgressBar implements ProgressReport {
  readonly #terminal: Terminal;
  readonly #options: Required<ProgressOptions>;
  readonly #pace: Pace;
  #stored = 0;
  #drawnMs = -Infinity;
  #isShown = false;

  constructor(terminal: Terminal, options: ProgressOptions) {
    this.#terminal = terminal;
    this.#options = { now: () => performance.now(), ...options };
    this.#pace = new Pace(this.#options.now);
  }

  update(stored: number): void {
    this.#stored = stored;
    const nowMs = this.#options.now();
    if (nowMs - this.#drawnMs < DRAW_EVERY_MS) return;
    this.#drawnMs = nowMs;
    this.#draw();
  }

  /** Removes the bar from the terminal. */
  hide(): void {
    if (!this.#isShown) return;
    this.#terminal.write(CLEAR_LINE);
    this.#isShown = false;
  }

  /** Draws the bar for the last time, and moves the cursor to the next line. */
  end(): void {
    if (this.#drawnMs === -Infinity) return;
    this.#draw();
    this.#terminal.write("\n");
    this.#isShown = false;
    this.#drawnMs = -Infinity;
  }

  #draw(): void {
    const { agency, total } = this.#options;
    const betsPerSecond = this.#pace.betsPerSecond(this.#stored);
    const line = formatBar({ agency, total, stored: this.#stored, betsPerSecond }, {
      columns: this.#terminal.columns(),
    });
    this.#terminal.write(CLEAR_LINE + line);
    this.#isShown = true;
  }
}

/** What a bar shows. */
export interface BarState {
  agency: number;
  stored: number;
  total: number;
  betsPerSecond: number;
}

/** Formats a bar that leaves the last of the terminal's columns free. */
export function formatBar(state: BarState, { columns }: { columns: number }): string {
  const { agency, betsPerSecond, stored, total } = state;
  const part = total === 0 ? 1 : stored / total;
  const head = `agency ${agency}`;
  const tail = `${Math.floor(100 * part)}% ${stored}/${total} bets, ${betsPerSecond}/s`;
  const room = columns - 1 - head.length - tail.length - " [] ".length;
  const line = room < 5 ? `${head} ${tail}` : `${head} [${bar(part, room)}] ${tail}`;
  return line.slice(0, Math.max(0, columns - 1));
}

function bar(part: number, room: number): string {
  const chars = Math.min(room, BAR_CHARS_MAX);
  const done = Math.floor(chars * part);
  return "#".repeat(done) + "-".repeat(chars - done);
}

/** Logs a line every few seconds. */
export class ProgressLines implements ProgressReport {
  readonly #log: ActionLog;
  readonly #options: Required<ProgressOptions>;
  readonly #pace: Pace;
  #loggedMs: number;

  constructor(log: ActionLog, options: ProgressOptions) {
    this.#log = log;
    this.#options = { now: () => performance.now(), ...options };
    this.#pace = new Pace(this.#options.now);
    this.#loggedMs = this.#options.now();
  }

  update(stored: number): void {
    const { agency, now, total } = this.#options;
    const betsPerSecond = this.#pace.betsPerSecond(stored);
    if (now() - this.#loggedMs < LOG_EVERY_MS) return;
    this.#loggedMs = now();
    const details = { agency, cantidad: stored, total, bets_per_second: betsPerSecond };
    this.#log.info("apuestas_enviadas", "in_progress", details);
  }

  end(): void {}
}
