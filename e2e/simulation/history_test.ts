import { assert, assertGreater } from "@std/assert";
import { firstFailure, type HistoryOptions, liveHistory } from "./history.ts";

/** `deno test e2e/simulation -- --histories=1000000` lives more of them. */
const wanted = Deno.args.find((arg) => arg.startsWith("--histories="))?.split("=")[1];
const HISTORIES = Number(wanted ?? 10_000);
/** Seeds that a broken protection has to show itself. */
const CONTROL_HISTORIES = 2000;

Deno.test(`${HISTORIES} histories end with every bet stored once and every winner told`, async () => {
  const failure = await firstFailure(HISTORIES);
  assert(failure === undefined, failure);
});

Deno.test("liveHistory() has misfortunes", async () => {
  let misfortunes = 0;
  for (let seed = 1; seed <= 20; seed++) misfortunes += await liveHistory(seed);
  assertGreater(misfortunes, 60);
});

const CONTROLS: HistoryOptions[] = [
  { without: "sync" },
  // A late packet does harm only where a connection stalls and nothing worse happens.
  { without: "expected bets", chances: { stall: 1, breakWire: 40, kill: 1000, powerCut: 10_000 } },
];

for (const control of CONTROLS) {
  Deno.test(`liveHistory() finds a broken promise without ${control.without}`, async () => {
    assert(await firstFailure(CONTROL_HISTORIES, control) !== undefined);
  });
}
