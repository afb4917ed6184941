import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { BetRates } from "./bet_rates.ts";

const NEVER = new AbortController().signal;

/** Takes turns, and notes when they began. */
function setUp(betsPerSecondMax: number) {
  const time = new FakeTime();
  const startMs = Date.now();
  const rates = new BetRates({ betsPerSecondMax, now: () => Date.now() });
  const begun: string[] = [];
  const take = (name: string, bets: number, { agency = 1, abandoned = NEVER } = {}) => {
    const note = (isTurn: boolean) =>
      void begun.push(`${name} ${isTurn ? "at" : "abandoned at"} ${Date.now() - startMs}`);
    const turn = rates.take(agency, bets, abandoned);
    if (turn === undefined) note(true);
    else void turn.then(note);
  };
  /** Lets time pass, in steps of a millisecond. */
  const pass = async (timeMs: number) => {
    for (let ms = 0; ms <= timeMs; ms++) {
      if (ms > 0) time.tick(1);
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    }
  };
  return { pass, rates, begun, take, [Symbol.dispose]: () => time.restore() };
}

Deno.test("BetRates.take() delays the first bet beyond what a second allows, and no other", async () => {
  using test = setUp(100);
  test.take("all", 100);
  assertEquals([test.begun, test.rates.delayedBatches], [["all at 0"], 0]);
  test.take("one more", 1);
  assertEquals([test.begun, test.rates.delayedBatches], [["all at 0"], 1]);
  await test.pass(9);
  assertEquals(test.begun, ["all at 0"]);
  await test.pass(1);
  assertEquals(test.begun, ["all at 0", "one more at 10"]);
  assertEquals(test.rates.delayedSeconds, 0.01);
});

Deno.test("BetRates.take() allows as many bets a second, however they come", async () => {
  using test = setUp(100);
  for (let batch = 1; batch <= 40; batch++) test.take(`${batch}`, 10);
  await test.pass(2_999);
  assertEquals(test.begun.length, 39);
  await test.pass(1);
  assertEquals(test.begun.at(-1), "40 at 3000");
  // After a quiet time no more than a second's bets are allowed at once.
  await test.pass(60_000);
  for (let batch = 1; batch <= 11; batch++) test.take(`late ${batch}`, 10);
  assertEquals(test.begun.length, 50);
  await test.pass(100);
  assertEquals(test.begun.length, 51);
});

Deno.test("BetRates.take() lets a batch of more bets than a second allows begin, and counts all of it", async () => {
  using test = setUp(100);
  test.take("large", 350);
  test.take("next", 50);
  await test.pass(10_000);
  // 250 bets are owed, and 50 needed.
  assertEquals(test.begun, ["large at 0", "next at 3000"]);
  test.take("large again", 350);
  test.take("large, early", 350);
  await test.pass(10_000);
  assertEquals(test.begun.slice(2), ["large again at 10000", "large, early at 13500"]);
});

Deno.test("BetRates.take() keeps the order of an agency's batches, small ones included", async () => {
  using test = setUp(100);
  for (const [name, bets] of [["a", 50], ["b", 90], ["c", 1], ["d", 9]] as const) {
    test.take(name, bets);
  }
  await test.pass(2_000);
  assertEquals(test.begun, ["a at 0", "b at 400", "c at 410", "d at 500"]);
});

Deno.test("BetRates.take() counts each agency by itself", () => {
  using test = setUp(100);
  for (const agency of [1, 2, 3]) test.take(`${agency}`, 100, { agency });
  assertEquals(test.begun, ["1 at 0", "2 at 0", "3 at 0"]);
});

Deno.test("BetRates.take() does not count batches that are abandoned, nor lets others wait for them", async () => {
  using test = setUp(100);
  const gone = new AbortController();
  const { signal: abandoned } = gone;
  test.take("first", 100);
  test.take("gone", 100, { abandoned });
  test.take("waiting", 20);
  test.take("gone too", 100, { abandoned });
  await test.pass(100);
  gone.abort();
  test.take("gone before", 100, { abandoned });
  await test.pass(10_000);
  assertEquals(test.begun, [
    ...["first at 0", "gone abandoned at 100", "gone too abandoned at 100"],
    ...["gone before abandoned at 100", "waiting at 200"],
  ]);
});
