/**
 * Limits how many tasks run at once.
 *
 * @module
 */

/** Runs a limited number of tasks at a time; the others wait in the order in which they came. */
export class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param atOnce How many tasks run at a time. */
  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** Runs a task when it is its turn. */
  async run<Result>(task: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
