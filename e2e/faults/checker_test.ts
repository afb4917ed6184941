import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { check } from "./checker.ts";
import { describeFaults, type FaultKind } from "./fault.ts";
import type { Event } from "./history.ts";
import { rowOf, winnersOf } from "./made_bets.ts";
import {
  BATCH,
  type FaultyRun,
  goodRun,
  kindsOf,
  rowsOf,
  withEvents,
  withRows,
  withTail,
} from "./testing/made_runs.ts";

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

const FOUND: FaultyRun[] = [
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
