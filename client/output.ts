/**
 * What a client writes: its log to stdout and, if stderr is a terminal, a progress bar to stderr.
 *
 * @module
 */

import { type ActionLog, CLIENT_LEVELS, LineWriter, openLog } from "../shared/logging.ts";
import {
  ProgressBar,
  ProgressLines,
  type ProgressOptions,
  type ProgressReport,
} from "./progress_report.ts";
import type { ClientSettings } from "./settings.ts";

/** Longest wait for a slow reader of the log at the end. */
const FLUSH_TIMEOUT_MS = 5000;

const STDERR_TERMINAL = {
  write: (text: string) => writeAll(Deno.stderr, text),
  columns: () => Deno.consoleSize().columns || 80,
};

/** Options of {@linkcode Output}. */
export type OutputOptions = Pick<ClientSettings, "logLevel" | "logFormat">;

/** The output of one run. */
export class Output {
  readonly log: ActionLog;
  readonly #writer = new LineWriter(Deno.stdout);
  #bar: ProgressBar | undefined;

  constructor({ logLevel: level, logFormat: format }: OutputOptions) {
    this.#writer.format = format;
    // Where log and bar share a terminal, a line must be complete before the bar is drawn below it.
    const sink = Deno.stdout.isTerminal()
      ? (line: string) => {
        this.#bar?.hide();
        writeAll(Deno.stdout, `${line}\n`);
      }
      : this.#writer.write;
    this.log = openLog({ levels: CLIENT_LEVELS, level, format, sink });
  }

  /** Starts to report progress: with a bar on a terminal, else with log lines. */
  reportProgress(options: ProgressOptions): ProgressReport {
    if (!Deno.stderr.isTerminal()) return new ProgressLines(this.log, options);
    return this.#bar = new ProgressBar(STDERR_TERMINAL, options);
  }

  /** Hides the bar, and writes what is left of the log. */
  async flush(): Promise<void> {
    this.#bar?.hide();
    await this.#writer.flush(FLUSH_TIMEOUT_MS);
  }
}

function writeAll(sink: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let bytes: Uint8Array = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(sink.writeSync(bytes));
}
