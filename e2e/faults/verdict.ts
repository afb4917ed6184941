/**
 * The options of a fault run, its verdict, and how both are shown.
 *
 * @module
 */

import { describeFaults, type Fault } from "./fault.ts";

/** Options of every fault run. */
export interface RunOptions {
  /** Seed of the schedule. */
  seed: number;
  /** How many times to break something. */
  count: number;
  /** Protections to switch off in all servers; see preload.ts. For controls. */
  unsafe?: readonly string[];
}

/** What a run found. */
export interface Verdict {
  faults: Fault[];
  /** Measurements, for people. */
  figures: Record<string, string | number>;
}

/** Formats figures as one line. */
export function describeFigures(figures: Record<string, string | number>): string {
  return Object.entries(figures).map(([name, value]) => `${name}: ${value}`).join(" | ");
}

/** Formats the message of a failed run, with the command that repeats it. */
export function describeFailure(name: string, options: RunOptions, faults: Fault[]): string {
  const { seed, count, unsafe = [] } = options;
  const off = unsafe.length > 0 ? ` --unsafe ${unsafe.join(",")}` : "";
  return `${name} broke promises (seed ${seed}):\n${describeFaults(faults)}\n` +
    `Repeat it: ./denow run -A e2e/faults/main.ts ${name} --count ${count} --seed ${seed}${off}`;
}
