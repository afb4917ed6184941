/**
 * Randomness that can be had again: for tests that try many cases and must name the one that failed.
 *
 * @module
 */

/** Numbers that look random and follow from a seed (Mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 up to, but not, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from 0 to `count` - 1. */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  /** One of `choices`. */
  pick<Choice>(choices: ArrayLike<Choice>): Choice {
    return choices[this.below(choices.length)];
  }

  /** True once in `count` times. */
  once(count: number): boolean {
    return this.below(count) === 0;
  }
}

/** Options of {@linkcode forAll}. */
export interface ForAllOptions {
  /** How many cases to try. */
  cases: number;
  /** Of the first case; each further one has the next. @default {the N of `deno test … -- --seed=N`, or 1} */
  seed?: number;
}

/** Tries `property` on many cases. What it throws is thrown on with the seed that brings the case back. */
export function forAll({ cases, seed = chosenSeed() }: ForAllOptions, property: Property): void {
  for (let index = 0; index < cases; index++) {
    const caseSeed = (seed + index) >>> 0;
    try {
      property(new Random(caseSeed));
    } catch (cause) {
      const again = `deno test FILE -- --seed=${caseSeed}`;
      const what = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`Property fails with seed ${caseSeed} (${again}): ${what}`, { cause });
    }
  }
}

/** Throws if the case it makes out of `random` is not as it should be. */
export type Property = (random: Random) => void;

function chosenSeed(): number {
  const flag = Deno.args.find((arg) => arg.startsWith("--seed="));
  return flag === undefined ? 1 : Number(flag.slice(7));
}

/** How many cases a property is to be tried on: `cases`, or the N of `deno test … -- --cases=N`. */
export function casesWanted(cases: number): number {
  const flag = Deno.args.find((arg) => arg.startsWith("--cases="));
  return flag === undefined ? cases : Number(flag.slice(8));
}
