import { assertEquals } from "@std/assert";
import type { StreamMessage } from "../../testing/stream_reader.ts";
import { check, type Evidence } from "./checker.ts";
import type { Fault, FaultKind } from "./fault.ts";
import type { Event } from "./history.ts";
import { rowOf, winnersOf } from "./made_bets.ts";
import { filesOf } from "./stored_streams.ts";

const BATCH = 30;

/** What a test says of a message. The rest follows from its place. */
interface Plan {
  agency: number;
  kind: "bets" | "mark" | "close";
  /** The first bet of its rows, and the one after the last. @default {none} */
  from?: number;
  to?: number;
  headers?: Record<string, string>;
}

/** Two agencies with two batches each, and one partition for each of them. */
function goodPlans(): Plan[][] {
  return [2, 1].map((agency) => [
    { agency, kind: "mark" },
    { agency, kind: "bets", from: 0, to: BATCH },
    { agency, kind: "bets", from: BATCH, to: 2 * BATCH },
    { agency, kind: "mark" },
    { agency, kind: "close" },
  ]);
}

/** Returns the messages of a partition as servers would have stored them. */
function messagesOf(plans: readonly Plan[], partition: number): StreamMessage[] {
  let bets = 0;
  return plans.map(({ agency, kind, from = 0, to = 0, headers }, index) => {
    bets += to - from;
    let rows = "";
    for (let bet = from; bet < to; bet++) rows += `${rowOf(agency, bet)}\n`;
    return {
      subject: `lottery.0a1b2c3d.bets.${partition}.${agency}`,
      sequence: index + 1,
      headers: new Map(Object.entries({
        "Nats-Expected-Last-Subject-Sequence": String(index),
        "Lottery-Id": crypto.randomUUID(),
        "Lottery-Kind": kind,
        "Lottery-Bets": String(bets),
        ...headers,
      })),
      body: new TextEncoder().encode(rows),
    };
  });
}

/** A run that leaves these messages. */
function runWith(plans: readonly Plan[][]): Evidence {
  const events: Event[] = [1, 2].flatMap((agency): Event[] => [
    { type: "sent", agency, from: 0, to: BATCH },
    { type: "stored", agency, from: 0, to: BATCH },
    { type: "sent", agency, from: BATCH, to: 2 * BATCH },
    { type: "stored", agency, from: BATCH, to: 2 * BATCH },
    // Sent, and never answered.
    { type: "sent", agency, from: 2 * BATCH, to: 3 * BATCH },
    { type: "close sent", agency },
    { type: "closed", agency, fileSize: Infinity },
  ]);
  for (const agency of [1, 2]) {
    const documents = winnersOf(agency, 2 * BATCH);
    events.push({ type: "winners", agency, documents, server: "server1" });
  }
  const streams = plans.map(messagesOf);
  return { agencies: 2, events, isComplete: true, streams, ...filesOf(streams) };
}

/** Returns the kinds of fault that are found when the messages of agency 1 are changed. */
function kindsWith(change: (plans: Plan[]) => Plan[]): FaultKind[] {
  const [first, second] = goodPlans();
  return kindsOf(check(runWith([first, change(second)])));
}

function kindsOf(faults: Fault[]): FaultKind[] {
  return [...new Set(faults.map(({ kind }) => kind))].sort();
}

Deno.test("check() finds nothing in streams without faults", () => {
  assertEquals(check(runWith(goodPlans())), []);
});

Deno.test("check() finds what is missing from streams", () => {
  assertEquals(kindsWith((plans) => plans.toSpliced(2, 1)), ["lost", "wrong winners"]);
  // The close is missing.
  assertEquals(kindsWith((plans) => plans.slice(0, -1)), ["lost"]);
});

Deno.test("check() finds a batch that is stored twice, although each message looks right", () => {
  const again: Plan = { agency: 1, kind: "bets", from: BATCH, to: 2 * BATCH };
  const kinds = kindsWith((plans) => plans.toSpliced(3, 0, again));
  assertEquals(kinds, ["duplicate", "never sent"]);
});

Deno.test("check() finds a message that is stored twice", () => {
  const [first, second] = goodPlans();
  const run = runWith([first, second]);
  const mark = run.streams![1][3];
  const copy = { ...mark, sequence: 5, headers: new Map(mark.headers) };
  copy.headers.set("Nats-Expected-Last-Subject-Sequence", "4");
  const close = {
    ...run.streams![1][4],
    sequence: 6,
    headers: new Map(run.streams![1][4].headers),
  };
  close.headers.set("Nats-Expected-Last-Subject-Sequence", "5");
  const streams = [run.streams![0], [...run.streams![1].slice(0, 4), copy, close]];
  assertEquals(kindsOf(check({ ...run, streams, ...filesOf(streams) })), ["duplicate"]);
});

Deno.test("check() finds bets, marks and closes after the close", () => {
  const late: Plan = { agency: 1, kind: "bets", from: 2 * BATCH, to: 3 * BATCH };
  assertEquals(kindsWith((plans) => [...plans, late]), ["late", "wrong winners"]);
  assertEquals(kindsWith((plans) => [...plans, { agency: 1, kind: "mark" }]), ["late"]);
  assertEquals(kindsWith((plans) => [...plans, { agency: 1, kind: "close" }]), ["duplicate"]);
});

Deno.test("check() finds a message that did not expect the one before it", () => {
  const headers = { "Nats-Expected-Last-Subject-Sequence": "1" };
  const kinds = kindsWith((plans) => plans.with(2, { ...plans[2], headers }));
  assertEquals(kinds, ["out of order"]);
});

Deno.test("check() finds part of a batch in a message", () => {
  const kinds = kindsWith((plans) =>
    plans.toSpliced(
      2,
      1,
      { agency: 1, kind: "bets", from: BATCH, to: BATCH + 10 },
      { agency: 1, kind: "bets", from: BATCH + 10, to: 2 * BATCH },
    )
  );
  assertEquals(kinds, ["torn batch"]);
});

Deno.test("check() finds a message with a wrong number, unknown rows or a foreign agency", () => {
  const headers = { "Lottery-Bets": "59" };
  const wrong = kindsWith((plans) => plans.with(3, { ...plans[3], headers }));
  assertEquals(wrong, ["never sent", "torn batch"]);
  const foreign: Plan = { agency: 2, kind: "mark" };
  assertEquals(kindsWith((plans) => plans.toSpliced(4, 0, foreign)).includes("never sent"), true);
  const swapped = kindsWith((plans) => [plans[0], plans[2], plans[1], plans[3], plans[4]]);
  assertEquals(swapped.includes("never sent"), true);
});
