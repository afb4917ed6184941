/**
 * What a fault run ends with.
 *
 * @module
 */

import { describeFaults, type Fault } from "./checker.ts";

/** What a run is given. */
export interface RunOptions {
  seed: number;
  /** How many faults. */
  count: number;
  /** Protections that are off; see preload.ts. For controls. */
  unsafe?: readonly string[];
}

/** What a run found. */
export interface Verdict {
  faults: Fault[];
  /** What was measured, for people. */
  figures: Record<string, string | number>;
}

/** Writes figures as one line. */
export function describeFigures(figures: Record<string, string | number>): string {
  return Object.entries(figures).map(([name, value]) => `${name}: ${value}`).join(" | ");
}

/** The command that repeats a run. */
export function commandOf(name: string, { seed, count, unsafe = [] }: RunOptions): string {
  const off = unsafe.length > 0 ? ` --unsafe ${unsafe.join(",")}` : "";
  return `deno run -A e2e/faults/main.ts ${name} --count ${count} --seed ${seed}${off}`;
}

/** The message of a run that failed. */
export function describeFailure(name: string, options: RunOptions, faults: Fault[]): string {
  return `${name} broke promises (seed ${options.seed}):\n${describeFaults(faults)}\n` +
    `Repeat it: ${commandOf(name, options)}`;
}
