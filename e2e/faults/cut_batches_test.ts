import { assertEquals } from "@std/assert";
import { CutBatches } from "./cut_batches.ts";

const BATCH = { from: 100, to: 150 };
const OTHER = { from: 150, to: 180 };
const FILE_SIZE = 9000;

/** The power was cut when `BATCH` was under way, and is back. */
function afterCut(): CutBatches {
  const batches = new CutBatches();
  batches.sent(BATCH);
  batches.powerCut(BATCH.from);
  batches.powerBack(FILE_SIZE);
  return batches;
}

/** Bets behind which the agency's may end, of those that are looked at. */
function endsOf(batches: CutBatches, offset = 0): number[] {
  const looked = [0, 99, 100, 101, 149, 150, 151, 179, 180, 181];
  return looked.filter((bets) => batches.mayEndAt(bets, offset));
}

Deno.test("CutBatches.mayEndAt() is within the batch that was under way when the power went", () => {
  assertEquals(endsOf(afterCut()), [101, 149]);
});

Deno.test("CutBatches.mayEndAt() is before the place where the file ended when the power was back", () => {
  assertEquals(endsOf(afterCut(), FILE_SIZE - 1), [101, 149]);
  assertEquals(endsOf(afterCut(), FILE_SIZE), []);
});

Deno.test("CutBatches.mayEndAt() is nowhere without a power cut", () => {
  const batches = new CutBatches();
  batches.sent(BATCH);
  batches.told(120);
  assertEquals(endsOf(batches), []);
  assertEquals([...batches.ends], []);
});

Deno.test("CutBatches.mayEndAt() is nowhere in a batch that was answered", () => {
  const batches = new CutBatches();
  batches.sent(BATCH);
  batches.answered(BATCH);
  batches.powerCut(BATCH.to);
  batches.powerBack(FILE_SIZE);
  assertEquals(endsOf(batches), []);
});

Deno.test("CutBatches.mayEndAt() is nowhere in a batch whose answer is heard behind the cut", () => {
  const batches = new CutBatches();
  batches.sent(BATCH);
  batches.powerCut(BATCH.from);
  batches.answered(BATCH);
  batches.powerBack(FILE_SIZE);
  assertEquals(endsOf(batches), []);
});

Deno.test("CutBatches.mayEndAt() is nowhere in a batch that was sent while there was no power", () => {
  const batches = new CutBatches();
  batches.powerCut(BATCH.from);
  batches.sent(BATCH);
  batches.powerBack(FILE_SIZE);
  assertEquals(endsOf(batches), []);
  batches.powerCut(BATCH.from);
  batches.powerBack(FILE_SIZE);
  assertEquals(endsOf(batches), []);
});

Deno.test("CutBatches.mayEndAt() is nowhere in a batch that begins elsewhere than the agency's bets end", () => {
  const batches = new CutBatches();
  batches.sent(BATCH);
  batches.sent(OTHER);
  batches.powerCut(OTHER.from);
  batches.powerBack(FILE_SIZE);
  assertEquals(endsOf(batches), [151, 179]);
});

Deno.test("CutBatches.told() settles where the batch ends, once", () => {
  const batches = afterCut();
  batches.told(120);
  assertEquals([...batches.ends], [[120, FILE_SIZE]]);
  assertEquals(batches.mayEndAt(120, 0), true);
  assertEquals(batches.mayEndAt(120, FILE_SIZE), false);
  batches.told(130);
  assertEquals([...batches.ends.keys()], [120]);
  assertEquals(endsOf(batches), []);
});

Deno.test("CutBatches.told() settles that the batch is whole, or absent", () => {
  for (const bets of [BATCH.from, BATCH.to]) {
    const batches = afterCut();
    batches.told(bets);
    batches.told(120);
    assertEquals([...batches.ends], []);
    assertEquals(endsOf(batches), []);
  }
});

Deno.test("CutBatches.told() settles nothing when it was said before the power went", () => {
  const batches = new CutBatches();
  batches.sent(BATCH);
  batches.powerCut(BATCH.from);
  batches.told(BATCH.from);
  batches.told(120);
  assertEquals([...batches.ends], []);
  batches.powerBack(FILE_SIZE);
  batches.told(121);
  assertEquals([...batches.ends.keys()], [121]);
});

Deno.test("CutBatches keeps a cut batch over a second power cut before anybody was told", () => {
  const batches = afterCut();
  batches.powerCut(BATCH.from);
  batches.powerBack(FILE_SIZE - 100);
  assertEquals(endsOf(batches), [101, 149]);
  assertEquals(endsOf(batches, FILE_SIZE - 100), []);
});
