/**
 * The view of a lottery that lies on the volume while no server runs.
 *
 * @module
 */

import { parseIdentity } from "../../server/ledger/file/lottery_identity.ts";
import {
  type AgencyView,
  type LotteryView,
  VIEW_VERSION,
} from "../../shared/status/lottery_view.ts";
import { unlessNotFound } from "../project.ts";
import { type Examination, examine } from "./examination.ts";

/** How long to wait for a process that holds the lock of bets.csv. */
const LOCK_MS = 2000;

/**
 * Reads a volume.
 *
 * @param agencies The number of agencies where the volume does not say it.
 * @throws {LockedError} If another process holds the lock.
 */
export async function viewVolume(volume: string, agencies: number): Promise<LotteryView> {
  const options = { agencies, waitMs: LOCK_MS };
  const found = await unlessNotFound(examine(volume, options));
  const isEmpty = found === undefined ||
    found.bets.rows === 0 && !found.closed.isClosed.includes(1) && !found.snapshot.identity;
  return isEmpty ? nothing() : viewOf(found, agencies);
}

function viewOf({ bets, closed, snapshot }: Examination, agenciesSet: number): LotteryView {
  const identity = identityOf(snapshot.identity);
  const agencies = Array.from(
    { length: identity?.agencies ?? agenciesSet },
    (_, index): AgencyView => ({
      agency: index + 1,
      bets: bets.counts[index + 1],
      betsExpected: null,
      betsPerSecond: null,
      state: closed.isClosed[index + 1] === 1 ? "closed" : "betting",
    }),
  );
  const waitingFor = agencies.filter(({ state }) => state === "betting")
    .map(({ agency }) => agency);
  const isDrawn = waitingFor.length === 0;
  if (isDrawn) { for (const agency of agencies) agency.state = "drawn"; }
  const phase = isDrawn ? "drawn" : waitingFor.length < agencies.length ? "waiting" : "betting";
  const { id = null, createdAt = null, winningNumber = null } = identity ?? {};
  return {
    ...nothing(),
    source: "volume",
    lottery: { id, createdAt, phase, winningNumber: isDrawn ? winningNumber : null },
    bets: agencies.reduce((sum, { bets }) => sum + bets, 0),
    waitingFor,
    agencies,
  };
}

function identityOf(text: string | undefined) {
  try {
    return text === undefined ? undefined : parseIdentity(text);
  } catch {
    // Servers and `check` say what is wrong with it.
    return undefined;
  }
}

function nothing(): LotteryView {
  return {
    version: VIEW_VERSION,
    at: new Date().toISOString(),
    source: "nothing",
    lottery: null,
    bets: 0,
    betsExpected: null,
    betsPerSecond: null,
    waitingFor: [],
    agencies: [],
    servers: [],
  };
}
