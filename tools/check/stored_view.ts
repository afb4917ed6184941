/**
 * The view of a lottery that is stored somewhere while no server runs.
 *
 * @module
 */

import type { LotteryIdentity } from "../../server/ledger/ledger.ts";
import { type AgencyView, emptyView, type LotteryView } from "../../shared/status/lottery_view.ts";

/** What is stored of a lottery. */
export interface StoredLottery {
  source: "volume" | "streams";
  /** Nothing if it is not known. */
  identity: Omit<LotteryIdentity, "agencies"> | undefined;
  agencies: number;
  /** Bets by agency. */
  counts: ArrayLike<number>;
  /** 1 for each agency that has closed. */
  isClosed: ArrayLike<number>;
}

/** Returns the view of a stored lottery. */
export function storedView(stored: StoredLottery): LotteryView {
  const { source, counts, isClosed } = stored;
  const agencies = Array.from({ length: stored.agencies }, (_, index): AgencyView => ({
    agency: index + 1,
    bets: counts[index + 1],
    betsExpected: null,
    betsPerSecond: null,
    state: isClosed[index + 1] === 1 ? "closed" : "betting",
  }));
  const waitingFor = agencies.filter(({ state }) => state === "betting")
    .map(({ agency }) => agency);
  const isDrawn = waitingFor.length === 0;
  if (isDrawn) { for (const agency of agencies) agency.state = "drawn"; }
  const phase = isDrawn ? "drawn" : waitingFor.length < agencies.length ? "waiting" : "betting";
  const { id = null, createdAt = null, winningNumber = null } = stored.identity ?? {};
  return {
    ...emptyView(source),
    lottery: { id, createdAt, phase, winningNumber: isDrawn ? winningNumber : null },
    bets: agencies.reduce((sum, { bets }) => sum + bets, 0),
    waitingFor,
    agencies,
  };
}
