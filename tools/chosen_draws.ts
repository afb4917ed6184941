/**
 * The draws that a task works on: those of a volume, or those of a ledger on JetStream.
 *
 * @module
 */

import { SHARED_VOLUME, SHARED_VOLUME_NAME } from "./project.ts";
import { UsageError } from "./command.ts";
import { LEDGER_FORMS } from "./run/ledger_choice.ts";
import { isOnStreams, readToolLedger, withStreams } from "./streams/tool_ledger.ts";
import type { RecordPlaces } from "./record/draws.ts";
import { type DrawSource, volumeDraws } from "./record/draw_sources.ts";
import { streamDraws } from "./record/stream_draws.ts";

/** The flags that choose a ledger. */
export interface DrawsFlags {
  ledger?: string;
  volume?: string;
  audit?: string;
}

/** What usage texts say of them. */
export const DRAWS_FLAGS_USAGE =
  `  --volume   the folder of a ledger in files: a volume, a folder of its archive, or a backup (default: the
             server's SHARED_VOLUME)
  --ledger   the ledger, if it is not that of LEDGER in the environment, .env or server/config.ini:
             ${LEDGER_FORMS}.
             Certificates of draws on JetStream are in ${SHARED_VOLUME_NAME}/draws
  --audit    the folder of the servers' audit logs (default: AUDIT_LOG of server/config.ini or the environment,
             else audit on the volume)`;

/**
 * Finds the draws for some work.
 *
 * @throws {UsageError} If the flags are wrong.
 */
export async function withDraws<Result>(
  { ledger: flag, volume, audit }: DrawsFlags,
  action: string,
  work: (sources: DrawSource[], places: RecordPlaces) => Promise<Result>,
): Promise<Result> {
  if (volume !== undefined && flag !== undefined) {
    throw new UsageError("--volume and --ledger exclude each other");
  }
  if (volume !== undefined) {
    return await work(await volumeDraws(await folderOf(volume)), { volume, audit });
  }
  const ledger = readToolLedger({ flag, action });
  const { sharedVolume, audit: audited } = ledger.server;
  const places = { volume: SHARED_VOLUME, audit: audit ?? audited?.folder };
  if (!isOnStreams(ledger)) {
    return await work(await volumeDraws(sharedVolume), { ...places, volume: sharedVolume });
  }
  return await withStreams(
    ledger,
    async (streams) => await work(await streamDraws(streams, SHARED_VOLUME), places),
  );
}

async function folderOf(path: string): Promise<string> {
  try {
    if ((await Deno.stat(path)).isDirectory) return path;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  throw new UsageError(`--volume is ${path}, which is no folder: give the folder of bets.csv`);
}
