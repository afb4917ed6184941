import { assert, assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { Draw } from "./draw.ts";
import type { Ledger } from "./ledger/ledger.ts";
import { keepLog } from "./testing/ledgers.ts";

const POLL_MS = 1000;
const SORTEO = "action: sorteo | result: success | numero_ganador: 7574";

/** A ledger of which only the end of betting matters. */
class FakeLedger implements Ledger {
  isClosed = false;
  looks = 0;
  settles = 0;
  /** What settling waits for. */
  settling: Promise<void> = Promise.resolve();

  isComplete(): boolean {
    this.looks++;
    return this.isClosed;
  }

  settle(): Promise<void> {
    this.settles++;
    return this.settling;
  }

  append = unused;
  close = unused;
  stored = unused;
  follow = unused;
  winners = unused;
  dispose = unused;
}

function unused(): never {
  throw new Error("a draw does not need this");
}

function setUp() {
  const ledger = new FakeLedger();
  const { log, lines } = keepLog();
  return { ledger, lines, draw: new Draw(ledger, { pollMs: POLL_MS, winningNumber: 7574, log }) };
}

const never = () => new AbortController().signal;

Deno.test("Draw.wait() ends at once when all have closed", async () => {
  const { draw, ledger, lines } = setUp();
  ledger.isClosed = true;
  assertEquals(await draw.wait(never()), true);
  assertEquals(await draw.wait(never()), true);
  assertEquals(lines, [SORTEO]);
  assertEquals([ledger.looks, ledger.settles], [1, 1]);
});

Deno.test("Draw wakes all who wait when a look finds that all have closed", async () => {
  using time = new FakeTime();
  const { draw, ledger, lines } = setUp();
  const waiting = [draw.wait(never()), draw.wait(never()), draw.wait(never())];
  await time.runMicrotasks();
  ledger.isClosed = true;
  assertEquals(await draw.look(), true);
  assertEquals(await Promise.all(waiting), [true, true, true]);
  assertEquals(lines, [SORTEO]);
});

Deno.test("Draw draws without any signal while someone waits", async () => {
  using time = new FakeTime();
  const { draw, ledger } = setUp();
  const waiting = draw.wait(never());
  await time.tickAsync(10 * POLL_MS);
  ledger.isClosed = true;
  await time.tickAsync(POLL_MS);
  assertEquals(await waiting, true);
});

Deno.test("Draw looks once per poll while someone waits, and not at all while nobody does", async () => {
  using time = new FakeTime();
  const { draw, ledger } = setUp();
  await time.tickAsync(10 * POLL_MS);
  assertEquals(ledger.looks, 0);
  const gone = new AbortController();
  const left = new AbortController();
  const waiting = [draw.wait(gone.signal), draw.wait(left.signal)];
  await time.runMicrotasks();
  ledger.looks = 0;
  for (let poll = 1; poll <= 5; poll++) {
    await time.tickAsync(POLL_MS);
    assertEquals(ledger.looks, poll);
  }
  gone.abort();
  assertEquals(await waiting[0], false);
  await time.tickAsync(POLL_MS);
  assertEquals(ledger.looks, 6);
  left.abort();
  assertEquals(await waiting[1], false);
  await time.tickAsync(10 * POLL_MS);
  assertEquals(ledger.looks, 6);
  assertEquals(time.next(), false);
});

Deno.test("Draw stops polling once it has happened", async () => {
  using time = new FakeTime();
  const { draw, ledger } = setUp();
  const waiting = draw.wait(never());
  await time.runMicrotasks();
  ledger.isClosed = true;
  await draw.look();
  await waiting;
  const { looks } = ledger;
  await time.tickAsync(10 * POLL_MS);
  assertEquals(ledger.looks, looks);
  assertEquals(time.next(), false);
});

Deno.test("Draw does not happen because somebody says so", async () => {
  using time = new FakeTime();
  const { draw, lines } = setUp();
  const gone = new AbortController();
  const waiting = draw.wait(gone.signal);
  for (let time = 0; time < 10; time++) assertEquals(await draw.look(), false);
  assertEquals(lines, []);
  gone.abort();
  assertEquals(await waiting, false);
  assertEquals(time.next(), false);
});

Deno.test("Draw happens once however often it is looked for", async () => {
  const { draw, ledger, lines } = setUp();
  ledger.isClosed = true;
  const gate = Promise.withResolvers<void>();
  ledger.settling = gate.promise;
  const looks = [draw.look(), draw.look(), draw.wait(never()), draw.look()];
  gate.resolve();
  assertEquals(await Promise.all(looks), [true, true, true, true]);
  assertEquals(await draw.look(), true);
  assertEquals(lines, [SORTEO]);
  assertEquals(ledger.settles, 1);
});

Deno.test("Draw does not name winners before the ledger has settled", async () => {
  const { draw, ledger } = setUp();
  ledger.isClosed = true;
  const gate = Promise.withResolvers<void>();
  ledger.settling = gate.promise;
  let isAnswered = false;
  const waiting = draw.wait(never()).finally(() => isAnswered = true);
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(isAnswered, false);
  gate.resolve();
  assertEquals(await waiting, true);
});

Deno.test("Draw tries again after the ledger could not settle", async () => {
  using time = new FakeTime();
  const { draw, ledger, lines } = setUp();
  ledger.isClosed = true;
  ledger.settling = Promise.reject(new Error("the disk hangs"));
  const waiting = draw.wait(never());
  await time.tickAsync(POLL_MS);
  assert(lines.length >= 1);
  assertEquals(new Set(lines), new Set(["action: sorteo | result: fail | error: the disk hangs"]));
  ledger.settling = Promise.resolve();
  await time.tickAsync(POLL_MS);
  assertEquals(await waiting, true);
  assertEquals(lines.at(-1), SORTEO);
});

Deno.test("Draw.wait() is over when it was abandoned before, during or after the first look", async () => {
  using time = new FakeTime();
  const { draw } = setUp();
  assertEquals(await draw.wait(AbortSignal.abort()), false);
  const during = new AbortController();
  const waiting = draw.wait(during.signal);
  during.abort();
  assertEquals(await waiting, false);
  const after = new AbortController();
  const waitingAfter = draw.wait(after.signal);
  await time.runMicrotasks();
  after.abort();
  assertEquals(await waitingAfter, false);
  assertEquals(time.next(), false);
});
