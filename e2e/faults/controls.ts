/**
 * Controls: runs without a protection, which must find the fault that the protection prevents;
 * otherwise the run proves nothing.
 *
 * @module
 */

import { type Need, needs } from "../../testing/needs.ts";
import type { FaultKind } from "./fault.ts";
import { attempt } from "./scenarios/mod.ts";
import { describeFigures, type Verdict } from "./verdict.ts";

/** A run without a protection. */
export interface Control {
  name: string;
  /** What it needs of this machine. */
  needed: readonly Need[];
  run: () => Promise<Verdict>;
  /** How many runs there may be, where chance decides whether one meets the fault. @default {1} */
  runsMax?: number;
  /** At least one of these must be found. */
  finds: FaultKind[];
}

/** Defines a test for each control. */
export function testControls(controls: readonly Control[]): void {
  for (const { name, needed, run, runsMax = 1, finds } of controls) {
    Deno.test({
      ...needs(needed, name),
      fn: async () => {
        const misses: string[] = [];
        while (misses.length < runsMax) {
          const { faults, figures } = await attempt(run);
          const kinds = faults.map(({ kind }) => kind);
          if (kinds.some((kind) => finds.includes(kind))) return;
          misses.push(`${kinds.join(", ") || "nothing"} (${describeFigures(figures)})`);
        }
        throw new Error(`Expected one of ${finds.join(", ")}, found ${misses.join("; ")}`);
      },
    });
  }
}
