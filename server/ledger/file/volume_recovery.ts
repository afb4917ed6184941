/**
 * Recovers a volume whose servers have all ended: rebuilds the end of bets.csv from the redo logs, and begins a
 * new epoch. Servers do this when they start, tools before they move files.
 *
 * The lock of bets.csv is held, and no log is locked: otherwise recovery could leave out a round that a running
 * server is about to record.
 *
 * @module
 */

import type { ActionLog } from "../../../shared/logging.ts";
import type { RowRules } from "../bet_row.ts";
import { FatalLedgerError, SyncFailedError } from "../fatal_error.ts";
import {
  type Checkpoint,
  type CheckpointFile,
  type CheckpointState,
  NO_KNOWN_ROWS,
} from "./checkpoint_file.ts";
import { type Disk, type DiskFile, readFully, writeAll } from "../disk.ts";
import { isOf, readRecords } from "./log_files.ts";
import { planRecovery, type RecoveryPlan, type Span } from "./log_recovery.ts";
import { type LogRecord, lotteryOf } from "./log_record.ts";
import { endsInHugeHole, inspectTail, refuseHugeHole } from "./recovery.ts";
import type { JournalContent, RoundJournal } from "./round_journal.ts";
import { completeLastRow } from "./shortened_file.ts";
import { cutSpans } from "./side_copy.ts";
import { BETS_FILE, CHECKPOINT_FILE, JOURNAL_FILE } from "./volume_files.ts";

/** The files of a volume that recovery reads and writes. */
export interface VolumeFiles {
  disk: Disk;
  bets: DiskFile;
  journal: RoundJournal;
  checkpoint: CheckpointFile;
}

/** Options of {@linkcode recoverVolume}. */
export interface RecoverVolumeOptions {
  /** The logs on the volume, none of whose servers is running. */
  logs: readonly string[];
  /** The id of the lottery; nothing if the volume has none yet. */
  lottery: string | undefined;
  rules: RowRules;
  log: ActionLog;
  /** Whether no server will follow: the checkpoint is then a clean one. @default {false} */
  isClean?: boolean;
  /** Whether to search for the last row however many zeros follow it. @default {false} */
  cutsHugeHole?: boolean;
}

/** The result of a recovery. */
export interface RecoveredVolume {
  /** The checkpoint that covers all of bets.csv. */
  checkpoint: Checkpoint;
  /** How many bytes were left out of bets.csv. */
  cutBytes: number;
  /** The copy of these bytes; nothing if there are none. */
  copy?: string;
}

/**
 * Recovers the volume, and removes the logs.
 *
 * @throws {FatalLedgerError} If durable bytes are missing, or the files contradict each other. Nothing has been
 * changed then.
 * @throws {SyncFailedError} If a sync fails.
 */
export async function recoverVolume(
  files: VolumeFiles,
  options: RecoverVolumeOptions,
): Promise<RecoveredVolume> {
  const { disk, bets, journal, checkpoint } = files;
  const { state, plan } = findRecovery(files, options);
  // Beyond a clean checkpoint it was another program that wrote.
  const cut = apply(files, plan, { log: options.log, mustCopy: state.last?.isClean ?? true });
  await checkpoint.settle();
  checkpoint.announce(state.last);
  await syncFile(bets, BETS_FILE);
  // Before a server has claimed the volume, none has written to it.
  const isUnclaimed = options.lottery === undefined;
  const recorded = {
    sequence: (state.last?.sequence ?? 0) + 1,
    epoch: (state.last?.epoch ?? 0) + 1,
    size: isUnclaimed ? 0 : plan.size,
    isClean: isUnclaimed || (options.isClean ?? false),
    known: isUnclaimed ? NO_KNOWN_ROWS : state.last?.known ?? NO_KNOWN_ROWS,
  };
  await checkpoint.record(recorded);
  journal.restart({ epoch: recorded.epoch, size: plan.size });
  // After a power cut, that of an earlier version would say that rows without a record are to be kept.
  await syncFile(journal, JOURNAL_FILE);
  for (const name of options.logs) disk.remove(name);
  disk.syncFolder();
  return { checkpoint: recorded, ...cut };
}

async function syncFile(file: Pick<DiskFile, "sync">, name: string): Promise<void> {
  try {
    await file.sync();
  } catch (cause) {
    throw new SyncFailedError(syncFailedMessage(name, cause), { cause });
  }
}

/** Describes a failed sync. */
export function syncFailedMessage(file: string, cause: unknown): string {
  return `Cannot sync ${file}: the disk has failed to sync it (${(cause as Error).message}). ` +
    "Check the disk before you start this server again";
}

/** Reads the volume and plans its recovery. Changes nothing, but adds a line end that an editor has dropped. */
function findRecovery(
  files: VolumeFiles,
  { logs, lottery, rules, log, cutsHugeHole }: RecoverVolumeOptions,
): { state: CheckpointState; plan: RecoveryPlan } {
  const { disk, bets, journal, checkpoint } = files;
  const state = checkpoint.read();
  const content = journal.read();
  const durableSize = durableSizeOf(state, content);
  const size = bets.size();
  const records = countingRecords(readRecords(disk, logs), { state, lottery });
  if (size < durableSize) completeLastRow(bets, { size, durableSize, rules, log });
  const found = { size: bets.size(), read: bets.read.bind(bets), state, content, records };
  return { state, plan: planVolume({ ...found, cutsHugeHole }) };
}

/** Bytes that the volume knows to be durable. */
export function durableSizeOf({ last }: CheckpointState, { earlier }: JournalContent): number {
  return Math.max(last?.size ?? 0, earlier?.bets ?? 0);
}

/** Plans the recovery of a volume that has been read. */
export function planVolume({ size, read, state, content, records, cutsHugeHole = false }: {
  size: number;
  read: DiskFile["read"];
  state: CheckpointState;
  content: JournalContent;
  records: readonly LogRecord[];
  cutsHugeHole?: boolean;
}): RecoveryPlan {
  const { last } = state;
  const durableSize = last?.size ?? 0;
  // A server of an earlier version has no log: its rows are kept like those of other programs.
  const keeps = last === undefined || last.isClean || content.earlier !== undefined;
  if (!keeps) return planRecovery({ size, durableSize, records });
  if (!cutsHugeHole && endsInHugeHole(size, read)) refuseHugeHole();
  const { wholeSize } = inspectTail(size, content.earlier?.round, {
    read,
    durableSize: durableSizeOf(state, content),
  });
  if (content.earlier !== undefined) assertNotReplaced(records, { read, durableSize, wholeSize });
  return planRecovery({ size, durableSize, records, keptTo: wholeSize });
}

/**
 * Makes sure that no rows stand where the logs have others: a server of an earlier version does not apply them after
 * a power cut, and appends where their rounds belong. Zeros are what the power cut has left.
 *
 * @throws {FatalLedgerError} If there are such rows.
 */
function assertNotReplaced(
  records: readonly LogRecord[],
  { read, durableSize, wholeSize }: {
    read: DiskFile["read"];
    durableSize: number;
    wholeSize: number;
  },
): void {
  for (const { from, rows } of records) {
    if (from < durableSize || from >= wholeSize) continue;
    const found = new Uint8Array(Math.min(rows.length, wholeSize - from));
    readFully({ read }, found, from);
    const isReplaced = found.some((byte, index) => byte !== 0 && byte !== rows[index]);
    if (isReplaced) throw new FatalLedgerError(replacedMessage(from));
  }
}

function replacedMessage(from: number): string {
  return `Cannot recover bets.csv: from byte ${from} on it has other rows than its redo logs. After a power cut a ` +
    "server of an earlier version, which does not read them, has stored bets there. Nothing was changed. Both " +
    "were acknowledged: restore a backup, or accept the loss of what only the logs hold with " +
    "./denow task check --accept-loss";
}

/**
 * Returns the records that count: those of the last epoch.
 *
 * @throws {FatalLedgerError} If a record belongs to a newer one, or to another lottery.
 */
export function countingRecords(
  records: readonly LogRecord[],
  { state: { last }, lottery }: { state: CheckpointState; lottery: string | undefined },
): LogRecord[] {
  const epoch = last?.epoch ?? 0;
  for (const record of records) {
    const isForeign = lottery === undefined || record.lottery !== lotteryOf(lottery);
    if (isForeign) throw new FatalLedgerError(foreignMessage("belong to another lottery"));
    // Beyond a clean checkpoint no server has written in its epoch.
    const isBeyond = record.from + record.rows.length > (last?.size ?? 0);
    if (record.epoch > epoch || record.epoch === epoch && last?.isClean && isBeyond) {
      throw new FatalLedgerError(foreignMessage(`are newer than ${CHECKPOINT_FILE}`));
    }
  }
  return lottery === undefined ? [] : records.filter(isOf({ lottery, epoch }));
}

function foreignMessage(what: string): string {
  return `Cannot use this volume: its redo logs, bets.csv.log-…, ${what}. Nothing was changed. The files of ` +
    "the volume are of different moments: restore all of them from one backup, or accept the loss with " +
    "./denow task check --accept-loss";
}

/** Writes what the plan says, after copying what it leaves out. */
function apply(
  { disk, bets }: VolumeFiles,
  plan: RecoveryPlan,
  { log, mustCopy }: { log: ActionLog; mustCopy: boolean },
): { cutBytes: number; copy?: string } {
  const before = bets.size();
  const restored = plan.rounds.filter(({ at, rows }) => !isThere(bets, at, rows));
  const write = () => {
    for (const { at, rows } of plan.rounds) writeAll(bets, rows, at);
    if (bets.size() > plan.size) bets.truncate(plan.size);
  };
  const cutBytes = plan.leftOut.reduce((sum, { from, to }) => sum + to - from, 0);
  let copy: string | undefined;
  if (cutBytes === 0) write();
  else {
    const begins = beginsOf(bets, plan.leftOut[0]);
    copy = cutSpans(disk, bets, { spans: plan.leftOut, cut: write, mustCopy });
    log.warning("repair", "success", {
      file: BETS_FILE,
      cut_bytes: cutBytes,
      offset: plan.leftOut[0].from,
      begins,
      copy,
      why: "no redo log holds these bytes: they were never acknowledged",
    });
  }
  if (restored.length > 0) logRestored(restored, { before, log });
  return { cutBytes, copy };
}

function logRestored(
  restored: RecoveryPlan["rounds"],
  { before, log }: { before: number; log: ActionLog },
): void {
  log.warning("repair", "success", {
    file: BETS_FILE,
    restored_bytes: restored.reduce((sum, { rows }) => sum + rows.length, 0),
    offset: restored[0].at,
    size_before: before,
    why: "a power cut has kept these bytes from the file: the redo logs had them",
  });
}

function isThere(file: DiskFile, at: number, rows: Uint8Array): boolean {
  const found = new Uint8Array(rows.length);
  return readFully(file, found, at) === rows.length &&
    found.every((byte, index) => byte === rows[index]);
}

/** How much of what is left out is examined, to log what it is. */
const LOOKED_AT_BYTES_MAX = 200;

/** Whether a part of the file begins with rows, or with zeros that a power cut has left. */
export function beginsOf(file: DiskFile, { from, to }: Span): "rows" | "zeros" {
  const start = new Uint8Array(Math.min(to - from, LOOKED_AT_BYTES_MAX));
  readFully(file, start, from);
  return start.some((byte) => byte !== 0) ? "rows" : "zeros";
}
