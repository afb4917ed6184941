/**
 * Files that an operator replaces while the server runs.
 *
 * @module
 */

/** How often the files are looked at. */
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
 * Notices when files have changed and are the same at two looks in a row, so that of a pair which is replaced one
 * after the other, nobody gets one half. It compares contents: a notification of the system would be lost on a
 * network's folder, and the time of a change is kept by some programs that copy.
 */
export class WatchedFiles implements Disposable {
  readonly #paths: readonly string[];
  readonly #onChange: () => void;
  readonly #timer: ReturnType<typeof setInterval> | undefined;
  /** The files as they were when they were last taken, and at the last look. */
  #taken: string;
  #seen: string;
  #isLooking = false;

  /** The files as they are now do not count as changed. */
  constructor({ paths, onChange, intervalMs = INTERVAL_MS }: WatchedFilesOptions) {
    this.#paths = paths;
    this.#onChange = onChange;
    this.#taken = this.#seen = fingerprint(paths.map(readState));
    if (intervalMs > 0) this.#timer = setInterval(() => void this.look(), intervalMs);
  }

  /** Looks at the files. */
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
