/**
 * The part of the suite in conformance.ts about what a ledger shows operators: what it has seen, whether it is ready,
 * which lottery it belongs to, and what it has counted.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { AGENCIES, batchOf, type LedgerTest, WINNING_NUMBER } from "./conformance.ts";
import type { AgencySeen, Ledger } from "./ledger.ts";

/** Longer than any change takes to be seen by another server. */
const PATIENCE_MS = 20_000;
const POLL_MS = 5;

/** Waits until a server has seen what is expected. */
async function untilSeen(ledger: Ledger, expected: AgencySeen[]): Promise<void> {
  const startMs = performance.now();
  const text = JSON.stringify(expected);
  while (JSON.stringify(ledger.seen()) !== text) {
    if (performance.now() - startMs > PATIENCE_MS) return assertEquals(ledger.seen(), expected);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** The tests, by what they show. */
export const SEEN_TESTS: Record<string, LedgerTest> = {
  "seen() comes to show what any server has stored and closed": async (lottery) => {
    const [one, two] = [await lottery.open(), await lottery.open()];
    for (const ledger of [one, two]) {
      ledger.onChange(() => {});
      const nothing = Array.from({ length: AGENCIES }, () => ({ bets: 0, isClosed: false }));
      assertEquals(ledger.seen(), nothing);
    }
    await one.append(batchOf(one, "a", { agency: 1, count: 3 }));
    await two.append(batchOf(two, "b", { agency: 2, count: 5 }));
    await two.close(1);
    const expected = [
      { bets: 3, isClosed: true },
      { bets: 5, isClosed: false },
      { bets: 0, isClosed: false },
    ];
    for (const ledger of [one, two]) await untilSeen(ledger, expected);
    const third = await lottery.open();
    third.onChange(() => {});
    await untilSeen(third, expected);
  },

  "identity is that of the lottery, on every server": async (lottery) => {
    const one = await lottery.open();
    const { id, agencies, winningNumber, createdAt } = one.identity;
    assertEquals([agencies, winningNumber], [AGENCIES, WINNING_NUMBER]);
    assertMatch(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert(Number.isFinite(Date.parse(createdAt)), createdAt);
    assertEquals((await lottery.open()).identity, one.identity);
  },

  "readiness() is yes while the ledger is open, and no after that": async (lottery) => {
    const ledger = await lottery.open();
    ledger.onChange(() => {});
    assertEquals(ledger.readiness(), { isReady: true });
    await ledger.append(batchOf(ledger, "a"));
    assertEquals(ledger.readiness(), { isReady: true });
    await ledger[Symbol.asyncDispose]();
    const after = ledger.readiness();
    assert(!after.isReady);
    assert(after.reason.length > 5, after.reason);
  },

  "figures count what was stored and refused, by reason": async (lottery) => {
    const ledger = await lottery.open();
    const { figures } = ledger;
    assertEquals([figures.rounds, figures.batches, figures.bets], [0, 0, 0]);
    await ledger.append(batchOf(ledger, "a", { count: 3 }));
    await Promise.all(
      [1, 2, 3].map((agency) => ledger.append(batchOf(ledger, "b", { agency, count: 2 }))),
    );
    await ledger.append(batchOf(ledger, "wrong"), 77);
    await ledger.close(2);
    await ledger.append(batchOf(ledger, "late", { agency: 2 }));
    await ledger.append(batchOf(ledger, "late", { agency: 2 }));
    assertEquals([figures.batches, figures.bets, figures.unknown], [4, 9, 0]);
    assertEquals(figures.refused, { closed: 2, count: 1, disk: 0, other: 0 });
    const { rounds, roundBatches } = (lottery.writer ?? ledger).figures;
    assert(rounds >= 2 && rounds <= 4, `${rounds} rounds`);
    assertEquals(figures.commitSeconds.count, 4);
    assert(figures.commitSeconds.sum > 0 && figures.commitSeconds.sum < 60);
    assertEquals(roundBatches.count, rounds);
    assertEquals(roundBatches.sum, 4);
  },

  "figures count an outcome that cannot be known": async (lottery) => {
    const { ledger } = await lottery.appendUnknown((ledger) => batchOf(ledger, "a"));
    const { figures } = ledger;
    assertEquals([figures.unknown, figures.batches, figures.bets], [1, 0, 0]);
  },
};
