/**
 * The identity of a lottery: lottery.json on its volume. It is written when the lottery begins, and every
 * server must agree with it: servers with other settings would draw early, or name other winners.
 *
 * @module
 */

import type { LotteryIdentity } from "../ledger.ts";
import { type Disk, readFully, writeAll } from "../disk.ts";
import { FatalLedgerError } from "../fatal_error.ts";
import { IDENTITY_FILE } from "./volume_files.ts";

export type { LotteryIdentity };

/** The settings that belong to a lottery. */
export type LotterySettings = Pick<LotteryIdentity, "agencies" | "winningNumber">;

/** Longer than any identity. */
export const IDENTITY_BYTES_MAX = 4096;

/**
 * Makes sure that the volume may be used with these settings. The lock of bets.csv is held.
 *
 * @returns The identity; nothing if the volume has none yet.
 * @param options `isUsed`: whether the volume holds durable bets, whose lottery must be known.
 * @throws {FatalLedgerError} If it belongs to a lottery with other settings, or to one that is not known.
 */
export function assertIdentity(
  disk: Disk,
  settings: LotterySettings,
  { isUsed }: { isUsed: boolean },
): LotteryIdentity | undefined {
  const text = disk.exists(IDENTITY_FILE) ? readText(disk) : "";
  if (!isComplete(text)) {
    if (isUsed) throw new FatalLedgerError(UNKNOWN);
    return undefined;
  }
  const identity = parseIdentity(text);
  assertSame(identity, settings);
  return identity;
}

/**
 * Gives the volume an identity if it has none. The lock of bets.csv is held.
 *
 * @returns The identity.
 * @throws {FatalLedgerError} If it belongs to a lottery with other settings.
 */
export function claimIdentity(disk: Disk, settings: LotterySettings): LotteryIdentity {
  const text = disk.exists(IDENTITY_FILE) ? readText(disk) : "";
  if (!isComplete(text)) return createIdentity(disk, settings);
  const identity = parseIdentity(text);
  assertSame(identity, settings);
  // Its writer may have been killed before it was durable.
  writeIdentity(disk, text);
  return identity;
}

/** Whether its writer has finished it: one that was killed leaves the beginning, or nothing. */
export function isComplete(text: string): boolean {
  return text.trimEnd().endsWith("}");
}

const UNKNOWN =
  `Cannot use this volume: it holds bets, but ${IDENTITY_FILE}, which says of which lottery, is ` +
  "missing or cut short. Nothing was changed. Restore the file from a backup of the volume, or accept the " +
  "loss with ./denow task check --accept-loss: the next server then writes it from its settings";

/**
 * Parses the content of lottery.json.
 *
 * @throws {FatalLedgerError} If it is not an identity.
 */
export function parseIdentity(text: string): LotteryIdentity {
  try {
    const { id, agencies, winningNumber, createdAt } = JSON.parse(text);
    const isValid = typeof id === "string" && Number.isInteger(agencies) &&
      Number.isInteger(winningNumber) && typeof createdAt === "string";
    if (isValid) return { id, agencies, winningNumber, createdAt };
  } catch {
    // Reported below.
  }
  throw new FatalLedgerError(
    `Cannot read ${IDENTITY_FILE}: it is not the identity of a lottery. Restore it from a backup of ` +
      "the volume; without one, stop all servers and delete it, and the next server writes it from its " +
      "settings",
  );
}

function createIdentity(
  disk: Disk,
  { agencies, winningNumber }: LotterySettings,
): LotteryIdentity {
  const createdAt = new Date().toISOString();
  const identity = { id: crypto.randomUUID(), agencies, winningNumber, createdAt };
  writeIdentity(disk, `${JSON.stringify(identity)}\n`);
  return identity;
}

function writeIdentity(disk: Disk, text: string): void {
  const file = disk.open(IDENTITY_FILE);
  const bytes = new TextEncoder().encode(text);
  try {
    writeAll(file, bytes, 0);
    if (file.size() > bytes.length) file.truncate(bytes.length);
    file.syncNow();
    disk.syncFolder();
  } finally {
    file.close();
  }
}

function assertSame(identity: LotteryIdentity, settings: LotterySettings): void {
  const { agencies, winningNumber, createdAt } = identity;
  if (agencies === settings.agencies && winningNumber === settings.winningNumber) return;
  throw new FatalLedgerError(
    `Cannot use this volume: its lottery began at ${createdAt} with AGENCIES_AMOUNT=${agencies} and ` +
      `LOTTERY_WINNER_NUMBER=${winningNumber}; this server has AGENCIES_AMOUNT=${settings.agencies} and ` +
      `LOTTERY_WINNER_NUMBER=${settings.winningNumber}. Give it the settings of the lottery, use another ` +
      "SHARED_VOLUME, or archive the lottery with ./denow task reset",
  );
}

function readText(disk: Disk): string {
  const file = disk.open(IDENTITY_FILE);
  try {
    const bytes = new Uint8Array(IDENTITY_BYTES_MAX);
    return new TextDecoder().decode(bytes.subarray(0, readFully(file, bytes, 0)));
  } finally {
    file.close();
  }
}
