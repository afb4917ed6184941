/**
 * Lines at the end of a terminal that are drawn again and again in the same place, below those that stay.
 *
 * @module
 */

import type { PanelOptions } from "./panel.ts";
import { stdoutTerminal, type Terminal } from "./screen.ts";

const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";
const CLEAR_ALL = "\x1b[2J\x1b[H";
/** How many of the lines that stay are shown again after a change of the terminal's size. */
const REMEMBERED_MAX = 5;
const DEFAULT_SIZE = { columns: 80, rows: 24 };

/** Draws a panel. A terminal that is gone must not end the run, so nothing more is written to it. */
export class LivePanel {
  readonly #terminal: Terminal;
  #drawn: string[] = [];
  #said: string[] = [];
  #size: { columns: number; rows: number } | undefined;
  #isGone = false;

  constructor(terminal: Terminal = stdoutTerminal()) {
    this.#terminal = terminal;
  }

  /** Draws the panel over the one that was drawn last. */
  draw(draw: (options: PanelOptions) => string[]): void {
    const last = this.#size;
    const { columns, rows } = this.#size = this.#terminal.size() ?? DEFAULT_SIZE;
    const lines = draw({ columns, rows, colors: !this.#terminal.noColor }).slice(0, rows - 1);
    // Terminals differ in how they break lines that no longer fit, so the position of the panel is
    // unknown.
    const isResized = last !== undefined && (last.columns !== columns || last.rows !== rows);
    const start = isResized
      ? CLEAR_ALL + this.#said.map((line) => `${line}\n`).join("")
      : this.#home();
    this.#drawn = lines;
    this.#write(`${start}${linesText(lines)}${CLEAR_BELOW}`);
  }

  /** Prints a line above the panel, where it stays. */
  say(line: string): void {
    this.#said = [...this.#said, line].slice(-REMEMBERED_MAX);
    this.#write(`${this.#home()}${CLEAR_BELOW}${line}\n${linesText(this.#drawn)}`);
  }

  /** Removes the panel. */
  erase(): void {
    this.#write(`${this.#home()}${CLEAR_BELOW}`);
    this.#drawn = [];
  }

  /** Leads to the first line of the panel. */
  #home(): string {
    return this.#drawn.length === 0 ? "" : `\x1b[${this.#drawn.length}A\r`;
  }

  #write(text: string): void {
    if (this.#isGone) return;
    try {
      this.#terminal.write(text);
    } catch {
      this.#isGone = true;
    }
  }
}

/** Line by line: a screen that is cleared first would flicker. */
function linesText(lines: readonly string[]): string {
  // Cleared before its text: after a text that fills the line, its last character would be cleared.
  return lines.map((line) => `${CLEAR_LINE}${line}\n`).join("");
}
