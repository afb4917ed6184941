/**
 * What an operator sees of many services at once: each line after the name of its service. A file
 * keeps the lines of the last run.
 *
 * @module
 */

import { PROJECT_ROOT } from "../project.ts";

/** The file with all lines of the last run, from the root folder, as messages name it. */
export const LOG_FILE_NAME = ".cache/up.log";
/** Its absolute path. */
export const LOG_FILE = `${PROJECT_ROOT}/${LOG_FILE_NAME}`;

/** The colors of names, as SGR codes: all but black, white, and red, which is for errors. */
const COLORS = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];

/** Options of {@linkcode Printer}. */
export interface PrinterOptions {
  /** The names of the services: lines are aligned to the longest. */
  names: readonly string[];
  /** Whether names have colors. @default {if stdout is a terminal and NO_COLOR is not set} */
  colors?: boolean;
  /** Takes each line for the screen. @default {console.log} */
  print?: (line: string) => void;
  /** Takes each line for a file, without colors. */
  keep: (line: string) => void;
}

/** Prints the lines of services. */
export class Printer {
  readonly #options: Required<PrinterOptions>;
  readonly #nameCharsMax: number;
  readonly #colorOf = new Map<string, number>();
  #isScreenGone = false;
  #isKeeping = true;

  constructor(options: PrinterOptions) {
    const colors = Deno.stdout.isTerminal() && !Deno.noColor;
    this.#options = { colors, print: (line) => console.log(line), ...options };
    this.#nameCharsMax = Math.max(...options.names.map((name) => name.length));
  }

  /** Keeps a line of a service that is not for the screen. */
  keep(name: string, line: string): void {
    this.#keep(`${this.#head(name)} ${line}`);
  }

  /** Prints a line of a service: `server3  | line`. */
  line(name: string, line: string): void {
    const head = this.#head(name);
    const color = this.#colorOf.get(name) ?? COLORS[this.#colorOf.size % COLORS.length];
    this.#colorOf.set(name, color);
    const colored = `\x1b[${color}m${head}\x1b[0m ${line}`;
    this.say(`${head} ${line}`, this.#options.colors ? colored : undefined);
  }

  /**
   * Prints a line of our own. A closed terminal, or a pipe without a reader, must not end a run
   * before it has cleaned up, so nothing more is printed then.
   */
  say(line: string, onScreen = line): void {
    this.#keep(line);
    try {
      if (!this.#isScreenGone) this.#options.print(onScreen);
    } catch {
      this.#isScreenGone = true;
    }
  }

  #head(name: string): string {
    return `${name.padEnd(this.#nameCharsMax)} |`;
  }

  /** A full disk must not end a run either: its lines are then only on the screen. */
  #keep(line: string): void {
    try {
      if (!this.#isKeeping) return;
      this.#options.keep(line);
    } catch (error) {
      this.#isKeeping = false;
      this.say(`The log of this run is not kept any more: ${(error as Error).message}`);
    }
  }
}
