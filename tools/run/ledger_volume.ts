/**
 * The folder of a ledger in files, for tasks that work on files alone.
 *
 * @module
 */

import { UsageError } from "../command.ts";
import { unlessNotFound } from "../project.ts";
import { isOnStreams, readToolLedger } from "../streams/tool_ledger.ts";

/**
 * Returns the folder: `--volume`, else that of the server's settings.
 *
 * @param action What the task does, for messages.
 * @throws {UsageError} If there is no such folder, or the ledger is on JetStream.
 */
export async function ledgerVolume(
  volume: string | undefined,
  action: string,
  { mayBeMissing = false } = {},
): Promise<string> {
  const path = volume ?? volumeOfSettings(action);
  const info = await unlessNotFound(Deno.stat(path));
  if (info?.isDirectory || info === undefined && mayBeMissing) return path;
  throw new UsageError(
    `Cannot ${action}: ${path} is no folder. Give the folder of bets.csv with --volume`,
  );
}

function volumeOfSettings(action: string): string {
  const ledger = readToolLedger({ action });
  if (!isOnStreams(ledger)) return ledger.server.sharedVolume;
  throw new UsageError(
    `Cannot ${action}: the ledger is on JetStream, and this works on files. docs/operations.md says how to ` +
      `${action} streams; give the folder of a ledger in files with --volume`,
  );
}
