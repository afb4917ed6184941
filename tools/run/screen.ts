/**
 * A terminal, or what stands in for one: how wide it is, whether it has colors, and how to draw over what was
 * drawn before.
 *
 * @module
 */

import type { PanelOptions } from "./panel.ts";

/** Where lines go. */
export interface Terminal {
  write(text: string): void;
  isTerminal: boolean;
  /** NO_COLOR. */
  noColor: boolean;
  /** Nothing where the size is not known. */
  size(): { columns: number; rows: number } | undefined;
}

/** The width of output that is not a terminal. */
const DEFAULT_COLUMNS = 80;
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";
const CLEAR_ALL = "\x1b[2J";

/** Shows lines, again and again in the same place if that is wanted and the output is a terminal. */
export class Screen {
  readonly #terminal: Terminal;
  #isFirst = true;

  constructor(terminal: Terminal = stdoutTerminal()) {
    this.#terminal = terminal;
  }

  /** Draws lines that fit the terminal as it is now. */
  show(
    draw: (options: PanelOptions) => string[],
    { isRepeated }: { isRepeated: boolean },
  ): void {
    const { isTerminal, noColor } = this.#terminal;
    const size = isTerminal ? this.#terminal.size() : undefined;
    const colors = isTerminal && !noColor;
    const lines = draw({ columns: size?.columns ?? DEFAULT_COLUMNS, rows: size?.rows, colors });
    if (isRepeated && isTerminal) {
      const shown = lines.slice(0, size === undefined ? lines.length : size.rows - 1);
      const start = this.#isFirst ? `${CLEAR_ALL}${HOME}` : HOME;
      // Line by line: a screen that is cleared first would flicker.
      const text = shown.map((line) => `${line}${CLEAR_LINE}\n`).join("");
      this.#terminal.write(`${start}${text}${CLEAR_BELOW}`);
    } else {
      const gap = this.#isFirst ? "" : "\n";
      this.#terminal.write(`${gap}${lines.join("\n")}\n`);
    }
    this.#isFirst = false;
  }
}

/** Returns the terminal of standard output. */
export function stdoutTerminal(): Terminal {
  return {
    write: (text) => {
      let bytes: Uint8Array = new TextEncoder().encode(text);
      while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
    },
    isTerminal: Deno.stdout.isTerminal(),
    noColor: Deno.noColor,
    size: () => {
      try {
        return Deno.consoleSize();
      } catch {
        return undefined;
      }
    },
  };
}
