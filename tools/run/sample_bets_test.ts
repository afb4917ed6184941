import { assert, assertEquals, assertMatch } from "@std/assert";
import { BetScanner, dayNumber } from "../../shared/bet.ts";
import { RandomIntegers, sampleBet, sampleSizes } from "./sample_bets.ts";

Deno.test("RandomIntegers.below() repeats its numbers for the same seed, and for no other", () => {
  const draw = (seed: number) => {
    const random = new RandomIntegers(seed);
    return Array.from({ length: 5 }, () => random.below(10_000));
  };
  assertEquals(draw(1), draw(1));
  assertEquals(draw(1).join() === draw(2).join(), false);
});

Deno.test("sampleBet() makes valid bets, and a few winners", () => {
  const random = new RandomIntegers(7);
  const scanner = new BetScanner(",");
  const numbers = new Set<number>();
  let winners = 0;
  for (let index = 0; index < 50_000; index++) {
    const bet = sampleBet(random);
    const row = new TextEncoder().encode(Object.values(bet).join(","));
    assertEquals(scanner.scan(row, 0, row.length, dayNumber(Date.UTC(2026, 0, 1))), undefined);
    assertMatch(bet.document, /^\d{8}$/);
    numbers.add(bet.number);
    if (bet.number === 7574) winners++;
  }
  assert(numbers.size > 9_800, "nearly every number is bet on");
  assert(winners > 0 && winners < 30);
});

Deno.test("sampleSizes() divides all bets, and gives each agency at least one", () => {
  for (const [agencies, bets] of [[1, 1], [5, 5], [5, 78_000], [40, 1000]]) {
    const sizes = sampleSizes(new RandomIntegers(1), agencies, bets);
    assertEquals(sizes.length, agencies);
    assertEquals(sizes.reduce((sum, size) => sum + size), bets);
    assert(sizes.every((size) => size >= 1));
  }
});
