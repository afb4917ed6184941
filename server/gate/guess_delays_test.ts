import { assert, assertEquals } from "@std/assert";
import { GuessDelays } from "./guess_delays.ts";

function setUp() {
  let nowMs = 1_000_000;
  const delays = new GuessDelays(() => nowMs);
  return { delays, pass: (timeMs: number) => nowMs += timeMs };
}

Deno.test("GuessDelays.reserve() lets an address wait longer after each failure", () => {
  const { delays, pass } = setUp();
  const waits: (number | undefined)[] = [];
  for (let failure = 0; failure < 8; failure++) {
    const waitMs = delays.reserve("10.0.0.1");
    waits.push(waitMs);
    pass(waitMs ?? 0);
    delays.failed("10.0.0.1");
  }
  assertEquals(waits, [0, 250, 500, 1000, 2000, 4000, 8000, 8000]);
  assertEquals(delays.reserve("10.0.0.2"), 0);
});

Deno.test("GuessDelays.reserve() puts attempts of one address one after the other", () => {
  const { delays } = setUp();
  for (let failure = 0; failure < 5; failure++) delays.failed("10.0.0.1");
  const waits = Array.from({ length: 4 }, () => delays.reserve("10.0.0.1"));
  assertEquals(waits, [4000, 8000, undefined, undefined], "it would wait longer than 10 s");
});

Deno.test("GuessDelays.reserve() forgets an address a minute after its last failure", () => {
  const { delays, pass } = setUp();
  for (let failure = 0; failure < 8; failure++) delays.failed("10.0.0.1");
  pass(60_000);
  assertEquals(delays.reserve("10.0.0.1"), 0, "its pause is over");
  assert(delays.reserve("10.0.0.1")! > 0, "but not its past");
  pass(1);
  assertEquals([delays.reserve("10.0.0.1"), delays.reserve("10.0.0.1")], [0, 0]);
});

Deno.test("GuessDelays.failed() remembers 10,000 addresses, and forgets the eldest after that", () => {
  const { delays } = setUp();
  for (let address = 0; address < 10_000; address++) delays.failed(String(address));
  delays.failed("0");
  assert(delays.reserve("1")! > 0);
  delays.failed("one more");
  assertEquals(delays.reserve("1"), 0);
  for (const address of ["0", "2", "9999", "one more"]) assert(delays.reserve(address)! > 0);
});
