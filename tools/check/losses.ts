/**
 * Finds what was durable and is missing, for which servers refuse to start.
 *
 * @module
 */

import { isComplete } from "../../server/ledger/file/lottery_identity.ts";
import type { ReadAt } from "../../server/ledger/file/recovery.ts";
import { checksumOf } from "../../server/ledger/file/fixed_line.ts";
import { BETS_FILE, CLOSED_FILE, IDENTITY_FILE } from "../../server/ledger/file/volume_files.ts";
import type { Snapshot } from "./volume_reader.ts";

/** Something that was durable and is missing. */
export interface Loss {
  /** The name of the file. */
  file: string;
  /** What is missing, with sizes. */
  text: string;
}

/** What the losses depend on, besides the snapshot. */
export interface LossOptions {
  readClosed: ReadAt;
  /** Whether bets.csv lacks its last line end alone, which servers add. */
  lacksLineEnd: boolean;
  /** Why the volume cannot be recovered from its redo logs. */
  contradiction: string | undefined;
}

/** Returns what is known to have been durable, and is missing. */
export function lossesOf(snapshot: Snapshot, options: LossOptions): Loss[] {
  const { betsSize = 0, durableSize, identity = "" } = snapshot;
  const losses: Loss[] = [];
  if (betsSize < durableSize && !options.lacksLineEnd) {
    losses.push({ file: BETS_FILE, text: shortened(BETS_FILE, betsSize, durableSize) });
  }
  if (options.contradiction !== undefined) {
    losses.push({ file: BETS_FILE, text: options.contradiction });
  }
  const closed = closedLoss(snapshot, options.readClosed);
  if (closed !== undefined) losses.push({ file: CLOSED_FILE, text: closed });
  if (durableSize > 0 && !isComplete(identity)) {
    const text =
      `${IDENTITY_FILE}, which says of which lottery the bets are, is missing or cut short`;
    losses.push({ file: IDENTITY_FILE, text });
  }
  return losses;
}

function closedLoss(
  { closedSize = 0, journal: { mark } }: Snapshot,
  read: ReadAt,
): string | undefined {
  if (closedSize < mark.closed) return shortened(CLOSED_FILE, closedSize, mark.closed);
  const bytes = new Uint8Array(mark.closed);
  read(bytes, 0);
  if (mark.closed === 0 || checksumOf(bytes) === mark.closedSum) return undefined;
  return `the first ${mark.closed} bytes of ${CLOSED_FILE} were durable, and are no longer what they were`;
}

function shortened(name: string, size: number, durable: number): string {
  return `${name} has ${size} bytes, but ${durable} were durable: at least ${
    durable - size
  } bytes that ` +
    "servers have acknowledged are missing";
}
