import { assertEquals, assertStringIncludes } from "@std/assert";
import { check } from "./checker.ts";
import { describeFaults } from "./fault.ts";
import type { Event } from "./history.ts";
import { BATCH, goodRun, kindsOf, rowsOf, withTail } from "./testing/made_runs.ts";

/** The batch of agency 1 that is in flight when the power fails. */
const CUT = { agency: 1, from: 2 * BATCH, to: 3 * BATCH };

/** A run of two agencies with two batches each, and what a power cut has left of a third of agency 1. */
function cutRun(left: string, after: Event[] = []) {
  const good = goodRun();
  const events: Event[] = [...good.events.slice(0, 12), { type: "sent", ...CUT }, ...after];
  return { ...good, ...withTail(left), events, closed: "", isComplete: false };
}

Deno.test("check() allows a batch that was in flight when the power failed whole, or not at all", () => {
  for (const bets of [CUT.from, CUT.to]) {
    const left = rowsOf(1, CUT.from, bets);
    const reported: Event = { type: "progress", agency: 1, bets };
    for (const after of [[], [reported]]) assertEquals(check(cutRun(left, after)), []);
  }
});

Deno.test("check() finds a part of a batch that was in flight when the power failed", () => {
  for (const bets of [CUT.from + 1, CUT.from + 20, CUT.to - 1]) {
    const left = rowsOf(1, CUT.from, bets);
    const faults = check(cutRun(left));
    assertEquals(kindsOf(faults), ["torn batch"]);
    assertStringIncludes(describeFaults(faults), `agency 1 has ${bets} bets, and no batch ends`);
    const reported = check(cutRun(left, [{ type: "progress", agency: 1, bets }]));
    assertEquals(new Set(kindsOf(reported)), new Set(["torn batch"]));
  }
});

Deno.test("check() finds a part of a batch that was acknowledged before the power failed", () => {
  const left = rowsOf(1, CUT.from, CUT.from + 20);
  const faults = check(cutRun(left, [{ type: "stored", ...CUT }]));
  assertEquals(kindsOf(faults), ["lost", "torn batch"]);
});
