/**
 * Recovery from the redo logs, after all servers have ended: what the end of bets.csv has to be, from the last
 * checkpoint on. Servers, and the tools that read a volume, share it.
 *
 * Rounds are taken from the logs in the order of their positions. A round that no log holds was never
 * acknowledged: it is left out, and those after it move up.
 *
 * @module
 */

import { FatalLedgerError } from "../fatal_error.ts";
import type { LogRecord } from "./log_record.ts";
import type { ReadAt } from "./recovery.ts";

/** What is found on a volume. */
export interface RecoveryInput {
  /** Size of bets.csv in bytes. */
  size: number;
  /** Bytes that are durable: those of the last checkpoint. */
  durableSize: number;
  /** The records that count, of all logs. */
  records: readonly LogRecord[];
  /**
   * Up to where bytes of the file are kept that no log holds: where no server was running since the last
   * checkpoint, or one that has no log.
   *
   * @default {none are kept}
   */
  keptTo?: number;
}

/** A part of the file. */
export interface Span {
  from: number;
  to: number;
}

/** What bets.csv has to be. Whatever no round covers, up to the size, is in the file already. */
export interface RecoveryPlan {
  /** Size of bets.csv after recovery. */
  size: number;
  /** The rounds of the logs, each with its place in the recovered file, in order. */
  rounds: { at: number; rows: Uint8Array }[];
  /** Parts of the file that are left out, where they are before recovery. */
  leftOut: Span[];
}

/**
 * Plans the recovery.
 *
 * @throws {FatalLedgerError} If two records contradict each other, or the checkpoint.
 */
export function planRecovery(
  { size, durableSize, records, keptTo = 0 }: RecoveryInput,
): RecoveryPlan {
  const plan: RecoveryPlan = { size: durableSize, rounds: [], leftOut: [] };
  let position = durableSize;
  const passTo = (to: number) => {
    const end = Math.min(to, size);
    if (end <= position) return;
    const kept = Math.min(Math.max(keptTo, position), end);
    plan.size += kept - position;
    if (kept < end) plan.leftOut.push({ from: kept, to: end });
  };
  const needed = records.filter(({ from, rows }) => from + rows.length > durableSize)
    .sort((one, other) => one.from - other.from);
  for (const { from, rows } of needed) {
    if (from < position) throw new FatalLedgerError(contradiction(from, position));
    passTo(from);
    plan.rounds.push({ at: plan.size, rows });
    plan.size += rows.length;
    position = from + rows.length;
  }
  passTo(Infinity);
  return plan;
}

function contradiction(from: number, position: number): string {
  return `Cannot recover bets.csv: a redo log has a round at byte ${from}, although other rounds end at byte ` +
    `${position}. Nothing was changed. The files of the volume are of different moments: restore all of ` +
    "them from one backup, or accept the loss with ./denow task check --accept-loss";
}

/** Reads bets.csv as it is after recovery. */
export function readRecovered(read: ReadAt, { size, rounds }: RecoveryPlan): ReadAt {
  return (bytes, position) => {
    const next = rounds.find(({ at, rows }) => position < at + rows.length);
    if (next !== undefined && next.at <= position) {
      const part = next.rows.subarray(position - next.at, position - next.at + bytes.length);
      bytes.set(part);
      return part.length;
    }
    const end = Math.min(size, next?.at ?? size);
    return end <= position ? 0 : read(bytes.subarray(0, end - position), position);
  };
}
