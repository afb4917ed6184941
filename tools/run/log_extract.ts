/**
 * The few lines of a log that say why a run has failed.
 *
 * @module
 */

import { parseAction } from "./log_lines.ts";

const LINES_MAX = 3;
/** The levels of failures, as servers and clients write them; and what Deno and Docker write. */
const SEVERE = /\b(ERROR|CRITICAL|FATAL)\b|^error:/i;

/** Keeps the lines that may explain a failure. */
export class LogExtract {
  readonly #severe = new RecentLines();
  readonly #mild = new RecentLines();
  /** The last line of each service. */
  readonly #lastOf = new Map<string, string>();
  #last: string[] = [];
  #isClosed = false;

  /** Takes a line of a service. */
  add(name: string, line: string): void {
    if (this.#isClosed || line.trim() === "") return;
    const shown = `${name} | ${line}`;
    this.#last = [...this.#last, shown].slice(-LINES_MAX);
    this.#lastOf.set(name, shown);
    // A failure that differs only in its time is the same.
    const what = `${name} ${line.slice(Math.max(0, line.indexOf("action:")))}`;
    if (SEVERE.test(line)) this.#severe.add(what, shown);
    else if (parseAction(line)?.result === "fail") this.#mild.add(what, shown);
  }

  /** Ignores further lines: services log failures while they are being stopped. */
  close(): void {
    this.#isClosed = true;
  }

  /**
   * Returns the few lines that matter most: errors and the last words of services that have failed; failures that
   * programs could handle if there are none; else the last lines of all.
   */
  lines(failed: Iterable<string> = []): string[] {
    const lastWords = Array.from(failed, (name) => this.#lastOf.get(name)).filter((line) =>
      line !== undefined
    );
    const first = [...new Set([...this.#severe.lines(), ...lastWords])].slice(0, LINES_MAX);
    if (first.length > 0) return first;
    const mild = this.#mild.lines();
    return mild.length > 0 ? mild : this.#last;
  }
}

/** The last lines that differ. */
class RecentLines {
  readonly #lines = new Map<string, string>();

  add(what: string, line: string): void {
    this.#lines.delete(what);
    this.#lines.set(what, line);
    const [eldest] = this.#lines.keys();
    if (this.#lines.size > LINES_MAX) this.#lines.delete(eldest);
  }

  lines(): string[] {
    return [...this.#lines.values()];
  }
}
