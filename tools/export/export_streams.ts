/**
 * Exports the streams of the current draw.
 *
 * @module
 */

import { TaskError } from "../project.ts";
import { DrawExaminer } from "../streams/draw_examination.ts";
import type { ExportFolder, ExportResult } from "./export_folder.ts";
import type { StreamLedger } from "../streams/stream_ledger.ts";

/**
 * Writes all bets and closes of the current draw.
 *
 * @throws {TaskError} If there is no draw, or its streams cannot be read.
 */
export async function exportStreams(
  streams: StreamLedger,
  { bets, closed }: ExportFolder,
): Promise<ExportResult> {
  const listed = await streams.currentDraw();
  if (listed === undefined) {
    throw new TaskError(`There is nothing to export: the lottery ${streams.name} has no draw yet`);
  }
  const examiner = new DrawExaminer(streams, listed.draw);
  for await (const { rows, kind, agency } of examiner.messages()) {
    bets.write(rows);
    if (kind === "close") closed.write(new TextEncoder().encode(`${agency}\n`));
  }
  const { streams: found, closedCount } = examiner.found;
  const sum = (count: (one: typeof found[number]) => number) =>
    found.reduce((total, one) => total + count(one), 0);
  return {
    bets: sum(({ rows }) => rows),
    closed: closedCount,
    faults: sum(({ state, faults, afterClose }) =>
      faults.count + afterClose.count + (state === undefined ? 1 : 0)
    ),
  };
}
