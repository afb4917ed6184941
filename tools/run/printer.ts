/**
 * What a person sees of many services at once: each line behind the name of its service.
 *
 * @module
 */

/** The colours of names, as SGR codes: all but black, white, and the red of errors. */
const COLOURS = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];

/** Options of {@linkcode Printer}. */
export interface PrinterOptions {
  /** Longest name there will be: lines are aligned to it. */
  nameCharsMax: number;
  /** Whether names have colours. @default {if this is a terminal and NO_COLOR is not set} */
  colours?: boolean;
  /** Takes a line for the screen. @default {console.log} */
  print?: (line: string) => void;
  /** Takes a line for a file, without colours. @default {none} */
  keep?: (line: string) => void;
}

/**
 * Prints to the screen, until nobody is there any more: a terminal that was closed, or a pipe that nobody
 * reads, must not end a run before it has cleaned up.
 */
function printUnlessGone(): (line: string) => void {
  let isGone = false;
  return (line) => {
    if (isGone) return;
    try {
      console.log(line);
    } catch {
      isGone = true;
    }
  };
}

/** Prints lines of services. */
export class Printer {
  readonly #nameCharsMax: number;
  readonly #colours: boolean;
  readonly #print: (line: string) => void;
  readonly #keep: (line: string) => void;
  readonly #colourOf = new Map<string, number>();

  constructor(options: PrinterOptions) {
    this.#nameCharsMax = options.nameCharsMax;
    this.#colours = options.colours ?? (Deno.stdout.isTerminal() && !Deno.noColor);
    this.#print = options.print ?? printUnlessGone();
    this.#keep = options.keep ?? (() => {});
  }

  /** Prints a line of a service: `server3  | line`. */
  line(name: string, line: string): void {
    const head = `${name.padEnd(this.#nameCharsMax)} |`;
    this.#keep(`${head} ${line}`);
    this.#print(
      this.#colours ? `\x1b[${this.#colour(name)}m${head}\x1b[0m ${line}` : `${head} ${line}`,
    );
  }

  /** Prints a line of our own. */
  say(line: string): void {
    this.#keep(line);
    this.#print(line);
  }

  #colour(name: string): number {
    let colour = this.#colourOf.get(name);
    if (colour === undefined) {
      colour = COLOURS[this.#colourOf.size % COLOURS.length];
      this.#colourOf.set(name, colour);
    }
    return colour;
  }
}
