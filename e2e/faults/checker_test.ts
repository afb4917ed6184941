import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { check, countCutBatches, type Evidence } from "./checker.ts";
import { describeFaults, type Fault, type FaultKind } from "./fault.ts";
import type { Event } from "./history.ts";
import { rowOf, winnersOf } from "./made_bets.ts";

const BATCH = 50;

/** A run without faults: two agencies with two batches each. */
function goodRun(): Evidence & { events: Event[] } {
  const events: Event[] = [];
  let text = "";
  for (const from of [0, BATCH]) {
    for (const agency of [1, 2]) {
      const batch = { agency, from, to: from + BATCH };
      events.push({ type: "progress", agency, bets: from });
      events.push({ type: "sent", ...batch }, { type: "stored", ...batch });
      text += rowsOf(agency, from, from + BATCH);
    }
  }
  const bets = new TextEncoder().encode(text);
  for (const agency of [1, 2]) {
    events.push({ type: "close sent", agency });
    events.push({ type: "closed", agency, fileSize: bets.length });
  }
  for (const agency of [1, 2]) {
    const documents = winnersOf(agency, 2 * BATCH);
    events.push({ type: "winners", agency, documents, server: "server1" });
  }
  return { agencies: 2, events, bets, closed: "1\n2\n", isComplete: true };
}

function rowsOf(agency: number, from: number, to: number): string {
  let rows = "";
  for (let index = from; index < to; index++) rows += `${rowOf(agency, index)}\n`;
  return rows;
}

/** The same with other rows in bets.csv. */
function withRows(change: (rows: string[]) => string[]): Evidence {
  const run = goodRun();
  const rows = new TextDecoder().decode(run.bets).split("\n").slice(0, -1);
  const text = change(rows).map((row) => `${row}\n`).join("");
  return { ...run, bets: new TextEncoder().encode(text) };
}

/** The same with other events. */
function withEvents(change: (events: Event[]) => Event[]): Evidence {
  const run = goodRun();
  return { ...run, events: change(run.events) };
}

/** The same with more at the end of bets.csv. */
function withTail(tail: string): Evidence {
  const run = goodRun();
  return { ...run, bets: new Uint8Array([...run.bets, ...new TextEncoder().encode(tail)]) };
}

function kindsOf(faults: Fault[]): FaultKind[] {
  return [...new Set(faults.map(({ kind }) => kind))].sort();
}

Deno.test("check() finds nothing in a run without faults", () => {
  assertEquals(check(goodRun()), []);
});

Deno.test("check() allows an unanswered batch to be stored, or not to be", () => {
  const unanswered: Event = { type: "sent", agency: 1, from: 100, to: 110 };
  const open = { isComplete: false, closed: "" };
  const events = [...goodRun().events.slice(0, 12), unanswered];
  assertEquals(check({ ...goodRun(), ...open, events }), []);
  const { bets } = withTail(rowsOf(1, 100, 110));
  assertEquals(check({ ...goodRun(), ...open, events, bets }), []);
});

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

const FOUND: { name: string; evidence: Evidence; kinds: FaultKind[]; says: string }[] = [
  {
    name: "an acknowledged bet that is missing",
    evidence: withRows((rows) => rows.toSpliced(3, 1)),
    kinds: ["lost"],
    says: "agency 1: 1 of 100 acknowledged bets, first bet 4",
  },
  {
    name: "an acknowledged batch that is missing at the end",
    evidence: withRows((rows) => rows.slice(0, -BATCH)),
    kinds: ["lost", "wrong winners"],
    says: "agency 2: 50 of 100 acknowledged bets, first bet 51",
  },
  {
    name: "a server that reports fewer bets than were acknowledged",
    evidence: withEvents((events) => [...events, { type: "progress", agency: 2, bets: 50 }]),
    kinds: ["lost"],
    says: "a server reports 50 stored bets, but 100 were acknowledged",
  },
  {
    name: "a duplicate bet",
    evidence: withRows((rows) => rows.toSpliced(BATCH - 1, 0, rows[BATCH - 1])),
    // The extra row pushes the last one beyond the end of the file at its agency's close.
    kinds: ["duplicate", "late"],
    says: "line 51: bet 50 of agency 1",
  },
  {
    name: "a duplicate batch",
    evidence: withRows((rows) => [...rows, ...rows.slice(0, BATCH)]),
    kinds: ["duplicate", "late"],
    says: "… and 45 more of this kind",
  },
  {
    name: "a row that no agency sent",
    evidence: withTail(`${rowOf(1, 100)}\n`),
    kinds: ["never sent"],
    says: "line 201",
  },
  {
    name: "a row that differs in one character",
    evidence: withRows((rows) => rows.with(0, rows[0].replace(/.$/, "9"))),
    kinds: ["lost", "never sent"],
    says: "line 1:",
  },
  {
    name: "a row of an unknown agency",
    evidence: withTail("3,Ana,Sosa,300000001,1990-01-01,5\n"),
    kinds: ["never sent"],
    says: "3,Ana",
  },
  {
    name: "rows of an agency in another order",
    evidence: withRows((rows) => rows.with(0, rows[1]).with(1, rows[0])),
    kinds: ["out of order"],
    says: "bet 1 of agency 1 after bet 2",
  },
  {
    name: "part of a batch that was not acknowledged",
    evidence: {
      ...withTail(rowsOf(1, 100, 105)),
      events: [...goodRun().events.slice(0, 12), { type: "sent", agency: 1, from: 100, to: 110 }],
      closed: "",
      isComplete: false,
    },
    kinds: ["torn batch"],
    says: "agency 1 has 105 bets",
  },
  {
    name: "a server that reports part of a batch",
    evidence: withEvents((events) => [
      { type: "sent", agency: 1, from: 0, to: 50 },
      { type: "progress", agency: 1, bets: 20 },
      ...events,
    ]),
    kinds: ["torn batch", "lost"].sort() as FaultKind[],
    says: "a server reports 20 stored bets, and no batch ends there",
  },
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
  {
    name: "a row without its newline",
    evidence: withTail("1,Ana"),
    kinds: ["torn row"],
    says: "line 201 at byte",
  },
  {
    name: "a bet stored after its agency's close",
    evidence: withEvents((events) =>
      events.map((event) =>
        event.type === "closed" && event.agency === 2 ? { ...event, fileSize: 8000 } : event
      )
    ),
    kinds: ["late"],
    says: "the agency had closed at byte 8000",
  },
  {
    name: "a bet acknowledged after its agency's close",
    evidence: withEvents((events) => [
      ...events,
      { type: "stored", agency: 1, from: 99, to: 100 },
    ]),
    kinds: ["late"],
    says: "bets 100 to 100 acknowledged after the close",
  },
  {
    name: "winners before all agencies have closed",
    evidence: withEvents((events) => [
      { type: "winners", agency: 1, documents: winnersOf(1, 100), server: "server2" },
      ...events,
    ]),
    kinds: ["early draw"],
    says: "server2 sent agency 1 its winners before 1,2 closed",
  },
  {
    name: "a missing winner",
    evidence: withEvents((events) =>
      events.map((event) =>
        event.type === "winners" ? { ...event, documents: event.documents.slice(1) } : event
      )
    ),
    kinds: ["wrong winners"],
    says: "100000011 instead of 100000001",
  },
  {
    name: "winners of another agency",
    evidence: withEvents((events) => [
      ...events,
      { type: "winners", agency: 1, documents: winnersOf(2, 100), server: "server3" },
    ]),
    kinds: ["wrong winners"],
    says: "server3 sent agency 1 10 documents, and 10 of its bets won",
  },
  {
    name: "a missing close that was confirmed",
    evidence: { ...goodRun(), closed: "1\n" },
    kinds: ["lost"],
    says: "the confirmed close of agency 2 is missing",
  },
  {
    name: "a close that is stored twice",
    evidence: { ...goodRun(), closed: "1\n2\n1\n" },
    kinds: ["duplicate"],
    says: "agencies_closed.txt has agency 1 2 times",
  },
  {
    name: "a close that no agency sent",
    evidence: { ...goodRun(), closed: "1\n2\n3\n" },
    kinds: ["never sent"],
    says: 'agencies_closed.txt has "3"',
  },
  {
    name: "a torn line in agencies_closed.txt",
    evidence: { ...goodRun(), closed: "1\n2\n1" },
    kinds: ["torn row"],
    says: "agencies_closed.txt",
  },
  {
    name: "an agency that has not closed",
    evidence: withEvents((events) => events.filter(({ type }) => type !== "closed")),
    kinds: ["unfinished"],
    says: "agency 1 has not closed",
  },
];

for (const { name, evidence, kinds, says } of FOUND) {
  Deno.test(`check() finds ${name}`, () => {
    const faults = check(evidence);
    assertEquals(kindsOf(faults), kinds, describeFaults(faults));
    assertStringIncludes(describeFaults(faults), says);
  });
}

Deno.test("check() throws on an event of an unknown agency", () => {
  const run = { ...goodRun(), agencies: 1 };
  assertThrows(() => check(run), RangeError, "there is no agency 2");
});
