import { assert, assertEquals } from "@std/assert";
import { DrawWatch } from "./draw_watch.ts";
import { LedgerFigures } from "./ledger/figures.ts";
import type { Draw, Ledger, LotteryIdentity } from "./ledger/ledger.ts";
import { keepLog } from "./testing/ledgers.ts";

const SORTEO = "action: sorteo | result: success | numero_ganador: 7574";
const DRAW: Draw = { winners: unused };

/** A ledger of which only the draw matters. */
class FakeLedger implements Ledger {
  readonly notation = "packet";
  readonly failed = new Promise<Error>(() => {});
  readonly figures = new LedgerFigures();
  /** The draw, once every agency has closed; or the error that asking for it throws. */
  outcome: Draw | Error | undefined;
  /** What the next answer waits for. */
  gate: Promise<void> = Promise.resolve();
  looks = 0;
  /** Notifies the watch. */
  change: () => void = () => {};

  async draw(): Promise<Draw | undefined> {
    this.looks++;
    await this.gate;
    if (this.outcome instanceof Error) throw this.outcome;
    return this.outcome;
  }

  onChange(listener: () => void): void {
    this.change = listener;
  }

  get identity(): LotteryIdentity {
    return unused();
  }

  seen = unused;
  readiness = unused;
  append = unused;
  close = unused;
  progress = unused;
  digest = unused;
  [Symbol.asyncDispose] = unused;
}

function unused(): never {
  throw new Error("waiting for the draw does not need this");
}

function setUp() {
  const ledger = new FakeLedger();
  const { log, lines } = keepLog();
  return { ledger, lines, watch: new DrawWatch(ledger, { winningNumber: 7574, log }) };
}

const never = () => new AbortController().signal;
const turn = () => new Promise<void>((resolve) => setTimeout(resolve));

Deno.test("DrawWatch.wait() returns the draw at once when all have closed", async () => {
  const { watch, ledger, lines } = setUp();
  ledger.outcome = DRAW;
  assertEquals(await watch.wait(never()), DRAW);
  assertEquals(await watch.wait(never()), DRAW);
  assertEquals(lines, [SORTEO]);
  assertEquals(ledger.looks, 1);
});

Deno.test("DrawWatch wakes all waiters when the ledger reports a change", async () => {
  const { watch, ledger, lines } = setUp();
  const waiting = [watch.wait(never()), watch.wait(never()), watch.wait(never())];
  await turn();
  ledger.outcome = DRAW;
  ledger.change();
  assertEquals(await Promise.all(waiting), [DRAW, DRAW, DRAW]);
  assertEquals(lines, [SORTEO]);
});

Deno.test("DrawWatch notices a change while it asks the ledger", async () => {
  const { watch, ledger } = setUp();
  const gate = Promise.withResolvers<void>();
  ledger.gate = gate.promise;
  const waiting = watch.wait(never());
  ledger.outcome = DRAW;
  gate.resolve();
  assertEquals(await waiting, DRAW);
});

Deno.test("DrawWatch.wait() ends whenever it begins while a look finds the draw", async () => {
  for (let microtasks = 0; microtasks < 20; microtasks++) {
    const { watch, ledger } = setUp();
    ledger.outcome = DRAW;
    void watch.look();
    for (let passed = 0; passed < microtasks; passed++) await Promise.resolve();
    const late = turn().then(() => "no draw");
    assertEquals(await Promise.race([watch.wait(never()), late]), DRAW);
    await late;
  }
});

Deno.test("DrawWatch does not draw because a change was reported", async () => {
  const { watch, ledger, lines } = setUp();
  const gone = new AbortController();
  const waiting = watch.wait(gone.signal);
  for (let time = 0; time < 10; time++) {
    ledger.change();
    await turn();
  }
  assertEquals(await watch.look(), undefined);
  assertEquals(lines, []);
  gone.abort();
  assertEquals(await waiting, undefined);
});

Deno.test("DrawWatch logs the draw once however often it is looked for", async () => {
  const { watch, ledger, lines } = setUp();
  const gate = Promise.withResolvers<void>();
  ledger.gate = gate.promise;
  ledger.outcome = DRAW;
  const looks = [watch.look(), watch.look(), watch.wait(never()), watch.look()];
  gate.resolve();
  assertEquals(await Promise.all(looks), [DRAW, DRAW, DRAW, DRAW]);
  assertEquals(await watch.look(), DRAW);
  assertEquals(lines, [SORTEO]);
  assertEquals(ledger.looks, 1);
});

Deno.test("DrawWatch names no winners before the ledger has answered", async () => {
  const { watch, ledger } = setUp();
  const gate = Promise.withResolvers<void>();
  ledger.gate = gate.promise;
  ledger.outcome = DRAW;
  let isAnswered = false;
  const waiting = watch.wait(never()).finally(() => isAnswered = true);
  await turn();
  assertEquals(isAnswered, false);
  gate.resolve();
  assertEquals(await waiting, DRAW);
});

Deno.test("DrawWatch logs a draw that fails, and asks again after the next change", async () => {
  const { watch, ledger, lines } = setUp();
  ledger.outcome = new Error("the disk hangs");
  const waiting = watch.wait(never());
  await turn();
  assertEquals(lines, ["action: sorteo | result: fail | error: the disk hangs"]);
  ledger.outcome = DRAW;
  ledger.change();
  assertEquals(await waiting, DRAW);
  assertEquals(lines.at(-1), SORTEO);
});

Deno.test("DrawWatch.wait() ends when it is abandoned before, during or after its look", async () => {
  const { watch, ledger } = setUp();
  assertEquals(await watch.wait(AbortSignal.abort()), undefined);
  const gate = Promise.withResolvers<void>();
  ledger.gate = gate.promise;
  const during = new AbortController();
  const waiting = watch.wait(during.signal);
  during.abort();
  assertEquals(await waiting, undefined);
  gate.resolve();
  const after = new AbortController();
  const waitingAfter = watch.wait(after.signal);
  await turn();
  after.abort();
  assertEquals(await waitingAfter, undefined);
  ledger.outcome = DRAW;
  assert(await watch.look() !== undefined);
});
