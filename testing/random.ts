/**
 * Repeatable randomness, for tests that try many cases and must name the one that fails.
 *
 * @module
 */

/** Pseudorandom numbers that follow from a seed (Mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Returns a number from 0 up to 1, exclusive. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Returns an integer from 0 to `count` - 1. */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  /** Returns an integer from `min` to `max`, inclusive. */
  integer(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  /** Returns one of `choices`. */
  pick<Choice>(choices: ArrayLike<Choice>): Choice {
    return choices[this.below(choices.length)];
  }

  /** Returns true once in `count` times, on average. */
  once(count: number): boolean {
    return this.below(count) === 0;
  }

  /** Returns an independent generator, so that two parts of a test do not change each other's numbers. */
  fork(): Random {
    return new Random(this.integer(0, 2 ** 32 - 1));
  }
}

/** Options of {@linkcode forAll}. */
export interface ForAllOptions {
  /** How many cases to try. */
  cases: number;
  /**
   * The seed of the first case; each further case takes the next one.
   *
   * @default {the N of `deno test … -- --seed=N`, or 1}
   */
  seed?: number;
}

/** Throws if it does not hold in the case that it derives from `random`. */
export type Property = (random: Random) => void;

/**
 * Tries a property in many cases.
 *
 * @throws {Error} With the seed of the case that fails.
 */
export function forAll(
  { cases, seed = numberArgument("seed") ?? 1 }: ForAllOptions,
  property: Property,
): void {
  for (let index = 0; index < cases; index++) {
    const caseSeed = (seed + index) >>> 0;
    try {
      property(new Random(caseSeed));
    } catch (cause) {
      const command = `deno test FILE -- --seed=${caseSeed}`;
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`Property fails with seed ${caseSeed} (${command}): ${message}`, { cause });
    }
  }
}

/** Returns how many cases to try: the N of `deno test … -- --cases=N`, or `cases`. */
export function casesWanted(cases: number): number {
  return numberArgument("cases") ?? cases;
}

function numberArgument(name: string): number | undefined {
  const prefix = `--${name}=`;
  const argument = Deno.args.find((argument) => argument.startsWith(prefix));
  return argument === undefined ? undefined : Number(argument.slice(prefix.length));
}
