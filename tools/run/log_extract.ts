/**
 * The few lines of a log that say why a run has failed.
 *
 * @module
 */

import { parseAction } from "./log_lines.ts";

const LINES_MAX = 3;
/** The levels of failures, as servers and clients write them. */
const FAILURE = /\b(ERROR|CRITICAL|FATAL)\b|^error:/i;

/** Keeps the last lines that report a failure, and the last lines of all. */
export class LogExtract {
  /** By what was said: a failure that is repeated counts once. */
  readonly #failures = new Map<string, string>();
  #last: string[] = [];
  #isClosed = false;

  /** Takes a line of a service. */
  add(name: string, line: string): void {
    if (this.#isClosed || line.trim() === "") return;
    const shown = `${name} | ${line}`;
    this.#last = [...this.#last, shown].slice(-LINES_MAX);
    if (parseAction(line)?.result !== "fail" && !FAILURE.test(line)) return;
    const what = `${name} ${line.slice(Math.max(0, line.indexOf("action:")))}`;
    this.#failures.delete(what);
    this.#failures.set(what, shown);
    const [eldest] = this.#failures.keys();
    if (this.#failures.size > LINES_MAX) this.#failures.delete(eldest);
  }

  /** Takes no more lines: services that are stopped complain about that. */
  close(): void {
    this.#isClosed = true;
  }

  /** Returns the last failures; the last lines if there are none. */
  lines(): string[] {
    return this.#failures.size > 0 ? [...this.#failures.values()] : this.#last;
  }
}
