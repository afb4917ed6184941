/**
 * The draws of a lottery on JetStream.
 *
 * @module
 */

import { decodeDraw, type DrawRecord } from "../../server/ledger/jetstream/draw_record.ts";
import { drawsStream } from "../../server/ledger/jetstream/names.ts";
import { LINE_FEED } from "../../shared/ascii.ts";
import { type DrawExamination, DrawExaminer } from "../streams/draw_examination.ts";
import type { StreamLedger } from "../streams/stream_ledger.ts";
import type { DrawSource } from "./draw_sources.ts";
import { Recount } from "./recount.ts";
import { Difference } from "./difference.ts";
import type { RecountedLedger } from "./verification.ts";

/**
 * Returns the draws of a lottery: the current one first.
 *
 * @param volume Where their certificates are.
 * @throws {TaskError} If their list cannot be read.
 */
export async function streamDraws(streams: StreamLedger, volume: string): Promise<DrawSource[]> {
  const current = await streams.currentDraw();
  if (current === undefined) return [];
  const draws: DrawRecord[] = [];
  for await (const { body } of streams.read(drawsStream(streams.name), current.sequence)) {
    draws.unshift(decodeDraw(body));
  }
  return draws.map((draw, index) => sourceOf(streams, draw, { volume, isCurrent: index === 0 }));
}

function sourceOf(
  streams: StreamLedger,
  draw: DrawRecord,
  { volume, isCurrent }: { volume: string; isCurrent: boolean },
): DrawSource {
  let examined: Promise<DrawExamination> | undefined;
  const examine = () => examined ??= new DrawExaminer(streams, draw).examine();
  return {
    id: draw.id,
    createdAt: draw.createdAt,
    isCurrent,
    ledger: "jetstream",
    place: `${streams.name}, draw ${draw.id.slice(0, 8)}`,
    certificates: volume,
    isDrawn: async () => (await examine()).closedCount === draw.agencies,
    lastClosedAt: async () => new Date((await examine()).lastCloseMs).toISOString(),
    recount: () => recountStreams(streams, draw),
  };
}

/** Reads all messages of a draw. */
async function recountStreams(streams: StreamLedger, draw: DrawRecord): Promise<RecountedLedger> {
  const examiner = new DrawExaminer(streams, draw);
  const recount = new Recount(draw);
  for await (const { rows } of examiner.messages()) {
    for (let from = 0, end; from < rows.length; from = end + 1) {
      end = rows.indexOf(LINE_FEED, from);
      recount.take(rows, from, end);
    }
  }
  recount.end();
  const { found } = examiner;
  assertSound(found);
  const closed = new Set(
    Array.from(found.isClosed.keys()).filter((agency) => found.isClosed[agency]),
  );
  return { place: "the streams", recount, identity: draw, files: [], closed };
}

/** @throws {Difference} If a message is not one that a server has written there, or one is missing. */
function assertSound({ streams }: DrawExamination): void {
  for (const { name, state, faults, afterClose } of streams) {
    if (state === undefined) throw new Difference(`stream ${name}: it is missing`);
    const first = faults.first() ?? afterClose.first();
    if (first === undefined) continue;
    throw new Difference(
      `stream ${name}, message ${first.number}: it is not what a server has written there; see check`,
    );
  }
}
