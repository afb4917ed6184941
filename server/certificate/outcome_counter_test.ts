import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { OutcomeCounter } from "./outcome_counter.ts";

/** Whether the bet at a position wins: the distances between winners need one byte, two and three. */
const WINS = new Set([1, 2, 129, 130, 257, 16_642, 40_000, 40_127, 40_256]);

Deno.test("OutcomeCounter lists positions of any distance, and digests each agency's rows", () => {
  const counter = new OutcomeCounter(574);
  const rows = { 1: "", 12: "" };
  let piece = "";
  for (let position = 1; position <= 40_300; position++) {
    const row = `A,B,7,1980-01-01,${WINS.has(position) ? 574 : 7574}\n`;
    for (const agency of [1, 12] as const) {
      rows[agency] += `${agency},${row}`;
      piece += `${agency},${row}`;
    }
    if (position % 1000 > 0) continue;
    counter.take(new TextEncoder().encode(piece));
    piece = "";
  }
  counter.take(new TextEncoder().encode(piece));
  for (const agency of [1, 12] as const) {
    const { bets, sha256, winners, positions } = counter.of(agency);
    assertEquals([bets, winners], [40_300, WINS.size]);
    assertEquals([...positions()], [...WINS]);
    assertEquals(sha256, createHash("sha256").update(rows[agency]).digest("hex"));
  }
});

Deno.test("OutcomeCounter.of() knows an agency without bets", () => {
  const { bets, sha256, winners, positions } = new OutcomeCounter(1).of(3);
  assertEquals([bets, winners, [...positions()]], [0, 0, []]);
  assertEquals(sha256, createHash("sha256").digest("hex"));
});
