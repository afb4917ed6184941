/**
 * Files that an operator replaces while the server runs.
 *
 * @module
 */

/** How often the files are checked. */
const INTERVAL_MS = 2000;

/** Options of {@linkcode WatchedFiles}. */
export interface WatchedFilesOptions {
  paths: readonly string[];
  /** Takes the files as they are now. It must not throw. */
  onChange: () => void;
  /** How often to look, in milliseconds; 0 for never, except with look(). @default {2000} */
  intervalMs?: number;
}

/**
 * Notices when files have changed and are the same at two checks in a row, so that nobody gets half of a pair whose
 * files are replaced one after the other. It compares contents: notifications of the system do not work on network
 * folders, and some programs that copy a file keep its time.
 */
export class WatchedFiles implements Disposable {
  readonly #paths: readonly string[];
  readonly #onChange: () => void;
  readonly #timer: ReturnType<typeof setInterval> | undefined;
  /** The files as they were last adopted, and as they were at the last check. */
  #taken: string;
  #seen: string;
  #isLooking = false;

  /** Adopts the files as they are now: they do not count as changed. */
  constructor({ paths, onChange, intervalMs = INTERVAL_MS }: WatchedFilesOptions) {
    this.#paths = paths;
    this.#onChange = onChange;
    this.#taken = this.#seen = fingerprint(paths.map(readState));
    if (intervalMs > 0) this.#timer = setInterval(() => void this.look(), intervalMs);
  }

  /** Checks the files. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const found = fingerprint(await Promise.all(this.#paths.map(readStateLater)));
    this.#isLooking = false;
    const isSettled = found === this.#seen;
    this.#seen = found;
    if (!isSettled || found === this.#taken) return;
    this.#taken = found;
    this.#onChange();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** A file's mode and content, or why it cannot be read. */
type FileState = [mode: number | null, text: string];

function fingerprint(states: FileState[]): string {
  return JSON.stringify(states);
}

function readState(path: string): FileState {
  try {
    return [Deno.statSync(path).mode, Deno.readTextFileSync(path)];
  } catch (error) {
    return [null, (error as Error).message];
  }
}

async function readStateLater(path: string): Promise<FileState> {
  try {
    return [(await Deno.stat(path)).mode, await Deno.readTextFile(path)];
  } catch (error) {
    return [null, (error as Error).message];
  }
}
