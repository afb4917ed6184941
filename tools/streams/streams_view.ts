/**
 * The view of a lottery that is stored in streams while no server runs.
 *
 * @module
 */

import { emptyView, type LotteryView } from "../../shared/status/lottery_view.ts";
import { storedView } from "../check/stored_view.ts";
import { DrawExaminer } from "./draw_examination.ts";
import type { StreamLedger } from "./stream_ledger.ts";

/** Reads the current draw. */
export async function viewStreams(streams: StreamLedger): Promise<LotteryView> {
  const current = await streams.currentDraw();
  if (current === undefined) return emptyView("nothing");
  const { draw } = current;
  const { counts, isClosed } = await new DrawExaminer(streams, draw).examine();
  const { agencies } = draw;
  return storedView({ source: "streams", identity: draw, agencies, counts, isClosed });
}
