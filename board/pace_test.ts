import { assertEquals } from "@std/assert";
import { Pace } from "./pace.ts";

Deno.test("Pace says how many bets a second were stored, and when", () => {
  const pace = new Pace();
  pace.take("a", 1000, 0);
  assertEquals(pace.at(1000), []);
  pace.take("a", 1500, 200);
  pace.take("a", 2500, 300);
  // A power cut has taken bets that nobody acknowledged.
  pace.take("a", 3000, 290);
  assertEquals(pace.at(3100), [[1600, 400], [600, 100], [100, 0]]);
});

Deno.test("Pace forgets what is older than a minute, and other lotteries", () => {
  const pace = new Pace();
  for (let second = 0; second < 200; second++) pace.take("a", 1000 * second, 10 * second);
  const points = pace.at(199_000);
  assertEquals([points.length, points[0], points.at(-1)], [61, [60_000, 10], [0, 10]]);
  pace.take("b", 200_000, 0);
  assertEquals(pace.at(200_000), []);
});
