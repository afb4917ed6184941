import { assertEquals, assertStringIncludes } from "@std/assert";
import { check, countCutBatches, type Evidence } from "./checker.ts";
import { describeFaults } from "./fault.ts";
import type { Event } from "./history.ts";
import { BATCH, type FaultyRun, goodRun, kindsOf, rowsOf, withTail } from "./testing/made_runs.ts";

/** The batch of agency 1 that is in flight when the power fails. */
const CUT = { agency: 1, from: 2 * BATCH, to: 3 * BATCH };
/** How many bets of agency 1 are stored when the power is back: part of that batch is. */
const PART = 120;
const SENT: Event = { type: "sent", ...CUT };
const POWER_CUT: Event = { type: "power cut" };

/** A run with a power cut. */
interface CutRun {
  /**
   * Events after both agencies have stored two batches.
   *
   * @default {the batch is sent, and the power fails}
   */
  before?: Event[];
  /** Rows that the power cut leaves of the batch. @default {the first part} */
  left?: string;
  /** Events after the power is back. @default {none} */
  after?: Event[];
  /** Rows that are written after the power is back. @default {none} */
  written?: string;
}

/**
 * Makes a run of two agencies with two batches each, and a power cut while agency 1 sends a third.
 */
function cutRun(
  { before = [SENT, POWER_CUT], left = rowsOf(1, CUT.from, PART), after = [], written = "" }:
    CutRun,
): Evidence {
  const good = goodRun();
  const { length: fileSize } = withTail(left).bets;
  const events: Event[] = [
    ...good.events.slice(0, 12),
    ...before,
    { type: "power back", fileSize },
    ...after,
  ];
  return { ...good, ...withTail(left + written), events, closed: "", isComplete: false };
}

const REPORTED: Event = { type: "progress", agency: 1, bets: PART };
const NEXT = { agency: 1, from: PART, to: PART + BATCH };

const NEXT_STORED: Event[] = [{ type: "sent", ...NEXT }, { type: "stored", ...NEXT }];

Deno.test("check() allows part of a batch that was in flight when the power failed", () => {
  const asked = cutRun({ after: [REPORTED] });
  const wentOn = cutRun({ after: [REPORTED, ...NEXT_STORED], written: rowsOf(1, PART, NEXT.to) });
  for (const evidence of [cutRun({}), asked, wentOn]) assertEquals(check(evidence), []);
  assertEquals([cutRun({}), asked, wentOn].map(countCutBatches), [0, 1, 1]);
});

Deno.test("check() allows such a batch to be stored in whole, or not at all", () => {
  for (const bets of [CUT.from, CUT.to]) {
    const left = rowsOf(1, CUT.from, bets);
    const after: Event[] = [{ type: "progress", agency: 1, bets }];
    for (const evidence of [cutRun({ left }), cutRun({ left, after })]) {
      assertEquals(check(evidence), []);
      assertEquals(countCutBatches(evidence), 0);
    }
  }
});

Deno.test("check() allows the same at the next power cut", () => {
  const again: Event[] = [{ type: "sent", ...NEXT }, POWER_CUT];
  const { length: fileSize } = withTail(rowsOf(1, CUT.from, PART + 10)).bets;
  const evidence = cutRun({
    after: [REPORTED, ...again, { type: "power back", fileSize }],
    written: rowsOf(1, PART, PART + 10),
  });
  assertEquals(check(evidence), []);
});

const FOUND: FaultyRun[] = [
  {
    name: "part of a batch that was acknowledged before the power failed",
    evidence: cutRun({ before: [SENT, { type: "stored", ...CUT }, POWER_CUT] }),
    kinds: ["lost", "torn batch"],
    says: "agency 1: 30 of 150 acknowledged bets, first bet 121",
  },
  {
    name: "part of a batch whose acknowledgement arrived after the power failed",
    evidence: cutRun({ before: [SENT, POWER_CUT, { type: "stored", ...CUT }] }),
    kinds: ["lost", "torn batch"],
    says: "agency 1: 30 of 150 acknowledged bets, first bet 121",
  },
  {
    name: "part of a batch that was refused before the power failed",
    evidence: cutRun({ before: [SENT, { type: "refused", ...CUT }, POWER_CUT] }),
    kinds: ["torn batch"],
    says: "agency 1 has 120 bets, and no batch ends there",
  },
  {
    name: "part of a batch that was sent while the power was off",
    evidence: cutRun({ before: [POWER_CUT, SENT] }),
    kinds: ["torn batch"],
    says: "agency 1 has 120 bets, and no batch ends there",
  },
  {
    name: "part of a batch that was sent after the power was back",
    evidence: cutRun({ before: [POWER_CUT], after: [SENT, REPORTED] }),
    kinds: ["torn batch"],
    says: "agency 1: a server reports 120 stored bets, and no batch ends there",
  },
  {
    name: "part of a batch that grows after a power cut",
    evidence: cutRun({
      after: [REPORTED, { type: "progress", agency: 1, bets: PART + 10 }],
      written: rowsOf(1, PART, PART + 10),
    }),
    kinds: ["torn batch"],
    says: "a server reports 130 stored bets, and no batch ends there",
  },
  {
    name: "part of a batch that shrinks after a power cut",
    evidence: cutRun({ after: [REPORTED, { type: "progress", agency: 1, bets: PART - 1 }] }),
    kinds: ["lost", "torn batch"],
    says: "a server reports 119 stored bets, but 120 were acknowledged",
  },
  {
    name: "part of a batch that was written after the power was back",
    evidence: cutRun({ left: "", after: [REPORTED], written: rowsOf(1, CUT.from, PART) }),
    kinds: ["torn batch"],
    says: "no power cut hit its batch there",
  },
  {
    name: "part of a batch that was written after the power was back and never reported",
    evidence: cutRun({ left: "", written: rowsOf(1, CUT.from, PART) }),
    kinds: ["torn batch"],
    says: "agency 1 has 120 bets, and no batch ends there",
  },
  {
    name: "part of a batch that is not its beginning",
    evidence: cutRun({ left: rowsOf(1, CUT.from + 1, PART) }),
    kinds: ["out of order"],
    says: "agency 1: bet 101 is missing before later ones",
  },
  {
    name: "part of a batch in which a row is missing",
    evidence: cutRun({
      left: rowsOf(1, CUT.from, CUT.from + 5) + rowsOf(1, CUT.from + 6, PART),
      after: [REPORTED],
    }),
    kinds: ["lost"],
    says: "agency 1: 1 of 120 acknowledged bets, first bet 106",
  },
  {
    name: "part of a batch in which a row is duplicate",
    evidence: cutRun({ left: rowsOf(1, CUT.from, PART) + rowsOf(1, PART - 1, PART) }),
    kinds: ["duplicate"],
    says: "bet 120 of agency 1",
  },
  {
    name: "part of a row after a power cut",
    evidence: cutRun({ left: rowsOf(1, CUT.from, PART).slice(0, -9) }),
    kinds: ["torn row"],
    says: "has no newline",
  },
  {
    name: "part of a batch that another agency never sent",
    evidence: cutRun({ left: rowsOf(2, CUT.from, PART) }),
    kinds: ["never sent"],
    says: "line 201",
  },
  {
    name: "acknowledged bets that a power cut has lost",
    evidence: cutRun({
      before: [SENT, POWER_CUT],
      left: "",
      after: [{ type: "progress", agency: 2, bets: BATCH }],
    }),
    kinds: ["lost"],
    says: "a server reports 50 stored bets, but 100 were acknowledged",
  },
];

for (const { name, evidence, kinds, says } of FOUND) {
  Deno.test(`check() finds ${name}`, () => {
    const faults = check(evidence);
    assertEquals(kindsOf(faults), kinds, describeFaults(faults));
    assertStringIncludes(describeFaults(faults), says);
  });
}
