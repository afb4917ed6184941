/**
 * The identity of the lottery on a volume, as its operator needs it. Servers write it when the
 * lottery begins; nothing else here reads the file.
 *
 * @module
 */

import { type LotteryIdentity, parseIdentity } from "../../server/ledger/file/lottery_identity.ts";
import { FatalLedgerError } from "../../server/ledger/fatal_error.ts";
import { IDENTITY_FILE } from "../../server/ledger/file/volume_files.ts";
import { unlessNotFound } from "../project.ts";

/** The record of earlier versions, which had only the number of agencies. */
const FORMER_FILE = "draw.json";

/** The files to archive with a draw. */
export const DRAW_FILES = [IDENTITY_FILE, FORMER_FILE] as const;

/** Returns the number of agencies that the draw on the volume began with, if it is known. */
export async function recordedAgencies(volume: string): Promise<number | undefined> {
  const identity = await readIdentity(volume);
  if (identity !== undefined) return identity.agencies;
  const text = await unlessNotFound(Deno.readTextFile(`${volume}/${FORMER_FILE}`)) ?? "";
  const agencies = Number(/"agencies":\s*(\d+)/.exec(text)?.[1]);
  return agencies > 0 ? agencies : undefined;
}

/** Returns the identity, if there is a valid one: servers report an invalid one. */
export async function readIdentity(volume: string): Promise<LotteryIdentity | undefined> {
  const text = await unlessNotFound(Deno.readTextFile(`${volume}/${IDENTITY_FILE}`));
  try {
    return text === undefined ? undefined : parseIdentity(text);
  } catch (error) {
    if (!(error instanceof FatalLedgerError)) throw error;
  }
}

/** Whether there is an identity, valid or not. */
export async function hasIdentity(volume: string): Promise<boolean> {
  return await unlessNotFound(Deno.stat(`${volume}/${IDENTITY_FILE}`)) !== undefined;
}

/**
 * Removes the identity of a lottery that has neither a bet nor a closed agency, unless it has these
 * settings. No server would start with others, and there is nothing to archive.
 */
export async function dropUnusedIdentity(
  volume: string,
  settings: Pick<LotteryIdentity, "agencies" | "winningNumber">,
): Promise<void> {
  const identity = await readIdentity(volume);
  const isSame = identity?.agencies === settings.agencies &&
    identity.winningNumber === settings.winningNumber;
  if (!isSame) await unlessNotFound(Deno.remove(`${volume}/${IDENTITY_FILE}`));
}
