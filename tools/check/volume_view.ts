/**
 * The view of a lottery that is on the volume while no server runs.
 *
 * @module
 */

import { parseIdentity } from "../../server/ledger/file/lottery_identity.ts";
import { emptyView, type LotteryView } from "../../shared/status/lottery_view.ts";
import { unlessNotFound } from "../project.ts";
import { type Examination, examine } from "./examination.ts";
import { storedView } from "./stored_view.ts";

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
  return isEmpty ? emptyView("nothing") : viewOf(found, agencies);
}

function viewOf({ bets, closed, snapshot }: Examination, agenciesSet: number): LotteryView {
  const identity = identityOf(snapshot.identity);
  return storedView({
    source: "volume",
    identity,
    agencies: identity?.agencies ?? agenciesSet,
    counts: bets.counts,
    isClosed: closed.isClosed,
  });
}

function identityOf(text: string | undefined) {
  try {
    return text === undefined ? undefined : parseIdentity(text);
  } catch {
    // Servers and `check` say what is wrong with it.
    return undefined;
  }
}
