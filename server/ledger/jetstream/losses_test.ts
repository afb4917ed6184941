import { assertEquals } from "@std/assert";
import { Losses } from "./losses.ts";

const DAY_MS = 86_400_000;

/** Notes losses at equal intervals. Returns after how many of them messages are gone for good; 0 if never. */
function notedUntilGone(losses: Losses, { count, everyMs }: { count: number; everyMs: number }) {
  return Array.from({ length: count }, (_, index) => losses.note(index * everyMs)).indexOf(true) +
    1;
}

Deno.test("messages are gone if that is seen for half a minute", () => {
  assertEquals(notedUntilGone(new Losses(), { count: 1000, everyMs: 250 }), 121);
  assertEquals(notedUntilGone(new Losses(), { count: 1000, everyMs: 6000 }), 10);
});

Deno.test("messages are not gone if that is seen now and then, over weeks", () => {
  assertEquals(notedUntilGone(new Losses(), { count: 1000, everyMs: DAY_MS }), 0);
});

Deno.test("messages that follow one another end the count", () => {
  const losses = new Losses();
  assertEquals(notedUntilGone(losses, { count: 120, everyMs: 250 }), 0);
  losses.clear();
  assertEquals(notedUntilGone(losses, { count: 120, everyMs: 250 }), 0);
});
