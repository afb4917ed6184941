/**
 * Begins a new draw on JetStream.
 *
 * @module
 */

import type { DrawSettings } from "../../server/ledger/jetstream/draw_record.ts";
import { TaskError } from "../project.ts";
import type { StreamLedger } from "./stream_ledger.ts";
import { streamNames } from "./stream_report.ts";

/**
 * Begins a new draw, unless the current one is empty and has these settings already.
 *
 * @returns What was done, for the operator.
 * @throws {TaskError} If another draw has begun at the same time.
 */
export async function resetStreams(
  streams: StreamLedger,
  { agencies, winningNumber }: DrawSettings,
): Promise<string> {
  const current = await streams.currentDraw();
  if (current === undefined) {
    return `The lottery ${streams.name} has no draw yet: the first server begins one`;
  }
  const { draw, sequence } = current;
  const states = await streams.streams(draw);
  const isUsed = states.some(({ state }) => state === undefined || state.messages > 0);
  const isSame = draw.agencies === agencies && draw.winningNumber === winningNumber;
  if (!isUsed && isSame) return `Draw ${draw.id} is empty: it stays the current one`;
  const { draw: begun, sequence: place } = await streams.beginDraw(
    { agencies, winningNumber },
    sequence,
  );
  const kept = `the last one stays in ${streamNames(streams.name, draw)}`;
  if (place === sequence + 1) return `Began draw ${begun.id}; ${kept}`;
  throw new TaskError(
    `Another draw, ${begun.id}, has begun at the same time, and is the current one; ${kept}`,
  );
}
