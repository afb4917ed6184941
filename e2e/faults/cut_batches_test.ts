import { assertEquals } from "@std/assert";
import { CutBatches } from "./cut_batches.ts";

const BATCH = { from: 100, to: 150 };
const OTHER = { from: 150, to: 180 };
const FILE_SIZE = 9000;

/** Returns the state after a power cut while `BATCH` was in flight. */
function afterCut(): CutBatches {
  const batches = new CutBatches();
  batches.sent(BATCH);
  batches.powerCut(BATCH.from);
  batches.powerBack(FILE_SIZE);
  return batches;
}

/** Returns after how many bets, of those tried, the agency's stored bets may end. */
function endsOf(batches: CutBatches, offset = 0): number[] {
  const tried = [0, 99, 100, 101, 149, 150, 151, 179, 180, 181];
  return tried.filter((bets) => batches.mayEndAt(bets, offset));
}

Deno.test("CutBatches.mayEndAt() allows ends within the batch in flight at a power cut", () => {
  assertEquals(endsOf(afterCut()), [101, 149]);
});

Deno.test("CutBatches.mayEndAt() allows no row beyond the file that a power cut left", () => {
  assertEquals(endsOf(afterCut(), FILE_SIZE - 1), [101, 149]);
  assertEquals(endsOf(afterCut(), FILE_SIZE), []);
});

Deno.test("CutBatches.mayEndAt() allows nothing without a power cut", () => {
  const batches = new CutBatches();
  batches.sent(BATCH);
  batches.progress(120);
  assertEquals(endsOf(batches), []);
  assertEquals([...batches.ends], []);
});

Deno.test("CutBatches.mayEndAt() allows nothing in a batch answered before the power cut", () => {
  const batches = new CutBatches();
  batches.sent(BATCH);
  batches.answered(BATCH);
  batches.powerCut(BATCH.to);
  batches.powerBack(FILE_SIZE);
  assertEquals(endsOf(batches), []);
});

Deno.test("CutBatches.mayEndAt() allows nothing in a batch answered after the power cut", () => {
  const batches = new CutBatches();
  batches.sent(BATCH);
  batches.powerCut(BATCH.from);
  batches.answered(BATCH);
  batches.powerBack(FILE_SIZE);
  assertEquals(endsOf(batches), []);
});

Deno.test("CutBatches.mayEndAt() allows nothing in a batch sent while the power is off", () => {
  const batches = new CutBatches();
  batches.powerCut(BATCH.from);
  batches.sent(BATCH);
  batches.powerBack(FILE_SIZE);
  assertEquals(endsOf(batches), []);
  batches.powerCut(BATCH.from);
  batches.powerBack(FILE_SIZE);
  assertEquals(endsOf(batches), []);
});

Deno.test("CutBatches.mayEndAt() allows nothing in a batch that leaves a gap", () => {
  const batches = new CutBatches();
  batches.sent(BATCH);
  batches.sent(OTHER);
  batches.powerCut(OTHER.from);
  batches.powerBack(FILE_SIZE);
  assertEquals(endsOf(batches), [151, 179]);
});

Deno.test("CutBatches.progress() settles where the batch ends, once", () => {
  const batches = afterCut();
  batches.progress(120);
  assertEquals([...batches.ends], [[120, FILE_SIZE]]);
  assertEquals(batches.mayEndAt(120, 0), true);
  assertEquals(batches.mayEndAt(120, FILE_SIZE), false);
  batches.progress(130);
  assertEquals([...batches.ends.keys()], [120]);
  assertEquals(endsOf(batches), []);
});

Deno.test("CutBatches.progress() settles that the batch is stored in whole or not at all", () => {
  for (const bets of [BATCH.from, BATCH.to]) {
    const batches = afterCut();
    batches.progress(bets);
    batches.progress(120);
    assertEquals([...batches.ends], []);
    assertEquals(endsOf(batches), []);
  }
});

Deno.test("CutBatches.progress() settles nothing if it arrives while the power is off", () => {
  const batches = new CutBatches();
  batches.sent(BATCH);
  batches.powerCut(BATCH.from);
  batches.progress(BATCH.from);
  batches.progress(120);
  assertEquals([...batches.ends], []);
  batches.powerBack(FILE_SIZE);
  batches.progress(121);
  assertEquals([...batches.ends.keys()], [121]);
});

Deno.test("CutBatches keeps a cut batch across a second power cut before any progress", () => {
  const batches = afterCut();
  batches.powerCut(BATCH.from);
  batches.powerBack(FILE_SIZE - 100);
  assertEquals(endsOf(batches), [101, 149]);
  assertEquals(endsOf(batches, FILE_SIZE - 100), []);
});
