/**
 * Exports a ledger in files: what counts of them at one moment, without what a crash has left.
 *
 * @module
 */

import type { ReadAt } from "../../server/ledger/file/recovery.ts";
import { AGENCIES_MAX } from "../../shared/bet.ts";
import { examineFiles, readAtOneMoment } from "../check/examination.ts";
import { TruncatedError } from "../check/lines.ts";
import type { ExportFile, ExportFolder, ExportResult } from "./export_folder.ts";

/** How long to wait for the lock of a server. */
const WAIT_MS = 10_000;
const CHUNK_BYTES = 1024 * 1024;

/**
 * Copies the complete rows of bets.csv, and the closed agencies.
 *
 * @throws If the files cannot be read, or their lock is not obtained.
 */
export async function exportVolume(
  volume: string,
  { bets, closed }: ExportFolder,
): Promise<ExportResult> {
  return await readAtOneMoment(volume, {
    waitMs: WAIT_MS,
    read: (reader, snapshot) => {
      const found = examineFiles(reader, snapshot, { agencies: AGENCIES_MAX });
      bets.restart();
      closed.restart();
      copyRows(reader.readBets, { to: found.tail.wholeSize, file: bets });
      for (const [agency, one] of found.closed.isClosed.entries()) {
        if (one === 1) closed.write(new TextEncoder().encode(`${agency}\n`));
      }
      const faults = found.bets.faults.count + found.closed.faults.count + found.losses.length;
      return { bets: found.bets.rows, closed: found.closed.count, faults };
    },
  });
}

/** Copies the first `to` bytes of bets.csv. @throws {TruncatedError} If there are fewer. */
export function copyRows(read: ReadAt, { to, file }: { to: number; file: ExportFile }): void {
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let at = 0; at < to;) {
    const count = read(chunk.subarray(0, to - at), at);
    if (count <= 0) throw new TruncatedError("The file was truncated while it was read");
    file.write(chunk.subarray(0, count));
    at += count;
  }
}
