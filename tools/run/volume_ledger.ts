/**
 * The ledger of a run in the files of the volume.
 *
 * @module
 */

import { BETS_FILE } from "../../server/ledger/file/volume_files.ts";
import { SHARED_VOLUME, SHARED_VOLUME_NAME, TaskError } from "../project.ts";
import { certifyRun } from "../record/draws.ts";
import { volumeDraws } from "../record/draw_sources.ts";
import { dropUnusedIdentity, recordedAgencies } from "../record/volume_identity.ts";
import {
  archiveDraw,
  assertDiskWorks,
  assertWritable,
  closedAgencies,
  finishArchiving,
  isDrawFinished,
  isVolumeEmpty,
  recoverVolumeFiles,
} from "../record/ledger_archive.ts";
import { assertCanContinue, ON_STABLE_STORAGE, type RunLedger } from "./run_ledger.ts";
import { storedRows, tallyBets } from "./stored_bets.ts";

/** The ledger in bets.csv and agencies_closed.txt. */
export const VOLUME_LEDGER: RunLedger = {
  place: BETS_FILE,
  promise: () => ON_STABLE_STORAGE,
  location: () => `${SHARED_VOLUME_NAME}/${BETS_FILE}`,
  prepare: async ({ lottery, server }, say) => {
    await assertWritable(SHARED_VOLUME);
    assertDiskWorks(SHARED_VOLUME);
    const interrupted = await finishArchiving(SHARED_VOLUME);
    if (interrupted !== undefined) {
      say(`Finished archiving the last draw to ${SHARED_VOLUME_NAME}/${interrupted}`);
    }
    await recoverVolumeFiles(SHARED_VOLUME);
    const agencies = await recordedAgencies(SHARED_VOLUME) ?? lottery.clients;
    if (await isDrawFinished(SHARED_VOLUME, agencies)) {
      const folder = await archiveDraw(SHARED_VOLUME);
      say(`Archived the last draw to ${SHARED_VOLUME_NAME}/${folder}`);
    } else if (!await isVolumeEmpty(SHARED_VOLUME)) {
      await assertCanContinue(storedRows(SHARED_VOLUME), lottery);
      say("Continuing the unfinished draw");
    } else await dropUnusedIdentity(SHARED_VOLUME, server);
  },
  certify: () => Promise.resolve(),
  read: async ({ server }, say) => {
    // Servers that are still running have recovered it.
    await recoverVolumeFiles(SHARED_VOLUME).catch((error) => {
      if (!(error instanceof TaskError)) throw error;
    });
    const [current] = await volumeDraws(SHARED_VOLUME);
    if (current?.isCurrent) await certifyRun(current, { volume: SHARED_VOLUME }, say);
    return {
      closed: await closedAgencies(SHARED_VOLUME),
      tallies: await tallyBets(storedRows(SHARED_VOLUME), server.winningNumber),
    };
  },
};
