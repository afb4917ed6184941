/**
 * The ledger of a run on JetStream.
 *
 * @module
 */

import { parseRow } from "../../shared/rows.ts";
import { SHARED_VOLUME } from "../project.ts";
import { certifyRun, writeCertificate } from "../record/draws.ts";
import { streamDraws } from "../record/stream_draws.ts";
import {
  assertCanContinue,
  ON_STABLE_STORAGE,
  type RunLedger,
  type StoredFacts,
} from "../run/run_ledger.ts";
import type { RunSettings } from "../run/run_settings.ts";
import { tallyBets } from "../run/stored_bets.ts";
import { DrawExaminer } from "./draw_examination.ts";
import { streamNames } from "./stream_report.ts";
import { type ListedDraw, openStreams, type StreamLedger } from "./stream_ledger.ts";

/** The ledger in the streams of the cluster that the servers' settings name. */
export const STREAMS_RUN_LEDGER: RunLedger = {
  place: "the ledger",
  promise: ({ lottery: { ledger } }) =>
    // How the nodes of others flush is for their operators to say.
    ledger.kind === "nodes"
      ? ON_STABLE_STORAGE
      : "each stored by a majority of the nodes before it was acknowledged",
  location: ({ server: { ledger } }) =>
    `the streams of lottery ${ledger.engine === "nats" ? ledger.name : ""}`,
  prepare: async (settings, say) => {
    await using streams = await open(settings);
    const current = await streams.currentDraw();
    if (current !== undefined) await prepareDraw(streams, current, settings, say);
  },
  certify: async (settings) => {
    await using streams = await open(settings);
    const [draw] = await streamDraws(streams, SHARED_VOLUME);
    if (draw !== undefined) await writeCertificate(draw, { volume: SHARED_VOLUME });
  },
  read: async (settings, say) => {
    await using streams = await open(settings);
    const current = await streams.currentDraw();
    if (current === undefined) return { closed: new Set(), tallies: new Map() };
    const [draw] = await streamDraws(streams, SHARED_VOLUME);
    await certifyRun(draw, { volume: SHARED_VOLUME }, say);
    return await readFacts(streams, current, settings.server.winningNumber);
  },
};

function open({ server: { ledger } }: RunSettings): Promise<StreamLedger> {
  if (ledger.engine !== "nats") throw new Error("the ledger is not on JetStream");
  return openStreams(ledger);
}

/** Begins a new draw after a finished one, and checks that an unfinished one can continue. */
async function prepareDraw(
  streams: StreamLedger,
  { draw, sequence }: ListedDraw,
  { lottery, server: { agencies, winningNumber } }: RunSettings,
  say: (line: string) => void,
): Promise<void> {
  const { closedCount, streams: found } = await new DrawExaminer(streams, draw).examine();
  const isUsed = found.some(({ state }) => state !== undefined && state.messages > 0);
  const isSame = draw.agencies === agencies && draw.winningNumber === winningNumber;
  if (closedCount === draw.agencies) {
    await streams.beginDraw({ agencies, winningNumber }, sequence);
    say(`Began a new draw. The last one stays in ${streamNames(streams.name, draw)}`);
  } else if (isUsed) {
    await assertCanContinue(fieldsOf(new DrawExaminer(streams, draw)), lottery);
    say("Continuing the unfinished draw");
    // No server would start with other settings than those of a draw, even if it is empty.
  } else if (!isSame) await streams.beginDraw({ agencies, winningNumber }, sequence);
}

async function readFacts(
  streams: StreamLedger,
  { draw }: ListedDraw,
  winningNumber: number,
): Promise<StoredFacts> {
  const examiner = new DrawExaminer(streams, draw);
  const tallies = await tallyBets(fieldsOf(examiner), winningNumber);
  const agencies = [...examiner.found.isClosed.entries()];
  const closed = new Set(agencies.filter(([, one]) => one === 1).map(([agency]) => agency));
  return { closed, tallies };
}

/** Yields the fields of all bets. */
async function* fieldsOf(examiner: DrawExaminer): AsyncGenerator<string[], void> {
  for await (const row of examiner.rows()) yield parseRow(row);
}
