/**
 * The draws of a lottery. A stream lists them, one record each, and the last one is the current draw.
 *
 * A draw's streams are made before its record is appended, and the record is appended only if no other draw has begun
 * since. The draw's id is derived from the place of the record, so servers that begin a draw at the same time make
 * the same streams. A record therefore implies that its streams were made: if one of them is missing, bets are lost,
 * and no server replaces it by an empty one.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { StreamInfo } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import { FatalLedgerError } from "../fatal_error.ts";
import { ATTEMPT_MS, type Cluster } from "./cluster.ts";
import {
  decodeDraw,
  type DrawRecord,
  type DrawSettings,
  encodeDraw,
  newDraw,
} from "./draw_record.ts";
import { EXPECTED_SEQUENCE_HEADER } from "./messages.ts";
import { betsStream, betsSubjects, drawsStream, drawsSubject } from "./names.ts";
import { parseAnswer } from "./publish_answer.ts";
import { assertSafe, ensureStream, findStream, type StreamPlan } from "./streams.ts";

/** A record in its place. */
export interface ListedDraw {
  draw: DrawRecord;
  /** Its sequence in the stream of draws. */
  sequence: number;
}

/** The settings of a new draw. */
export interface DrawPlan extends DrawSettings {
  /** LEDGER_NAME. */
  name: string;
  /** LEDGER_REPLICAS. */
  replicas: number;
  /** LEDGER_PARTITIONS. */
  partitions: number;
}

/** The streams of a draw. */
export function drawStreams(
  draw: DrawRecord,
  { name, replicas }: Pick<DrawPlan, "name" | "replicas">,
): StreamPlan[] {
  return Array.from({ length: draw.partitions }, (_, partition) => {
    const names = { name, ...draw };
    return {
      name: betsStream(names, partition),
      subject: betsSubjects(names, partition),
      replicas,
    };
  });
}

/** Returns the current draw; nothing if none has begun, or in a read that is stale. */
export async function findCurrentDraw(
  { manager }: Cluster,
  name: string,
): Promise<ListedDraw | undefined> {
  const query = { last_by_subj: drawsSubject(name) };
  const message = await manager.streams.getMessage(drawsStream(name), query);
  return message === null ? undefined : { draw: decodeDraw(message.data), sequence: message.seq };
}

/**
 * Returns the current draw. If there is none, it begins one.
 *
 * @throws {FatalLedgerError} If a stream of it is missing or unsafe, or if there are bets of unknown draws.
 */
export async function joinDraw(cluster: Cluster, plan: DrawPlan): Promise<ListedDraw> {
  const { name, replicas } = plan;
  const stream = { name: drawsStream(name), subject: drawsSubject(name), replicas };
  await ensureStream(cluster, stream);
  const listed = await findCurrentDraw(cluster, name) ?? await beginDraw(cluster, plan, 0);
  await Promise.all(drawStreams(listed.draw, plan).map((stream) => assertThere(cluster, stream)));
  return listed;
}

async function assertThere(cluster: Cluster, stream: StreamPlan): Promise<void> {
  const info = await findStream(cluster, stream.name);
  if (info !== undefined) return assertSafe(info, stream);
  throw new FatalLedgerError(
    `Stream ${stream.name} of the current draw is missing, and with it its bets: restore it from a backup, ` +
      "or accept the loss and begin a new draw with ./denow task reset",
  );
}

/**
 * Begins a draw after the one whose record has this sequence; 0 if there was none. If another draw has begun
 * meanwhile, that one is returned.
 *
 * @throws {FatalLedgerError} If its streams hold something already: the list of draws is older than they are.
 */
export async function beginDraw(
  cluster: Cluster,
  plan: DrawPlan,
  previousSequence: number,
): Promise<ListedDraw> {
  const { name } = plan;
  const list = await findStream(cluster, drawsStream(name));
  if (list === undefined) throw new Error(`there is no stream ${drawsStream(name)}`);
  const id = drawId(`${name}/${list.created}/${previousSequence}/${plan.partitions}`);
  const draw = newDraw({ ...plan, id });
  const made = await Promise.all(
    drawStreams(draw, plan).map((stream) => ensureStream(cluster, stream)),
  );
  const used = previousSequence === 0 ? await usedStreams(cluster, name) : namesOfUsed(made);
  const current = await findCurrentDraw(cluster, name);
  if (current !== undefined && current.sequence > previousSequence) return current;
  if (used.length > 0) {
    throw new FatalLedgerError(
      `The list of draws ${drawsStream(name)} is older than the bets in ${
        used.join(", ")
      }. Restore that ` +
        "stream from a backup; to begin anew beside them, choose another LEDGER_NAME",
    );
  }
  return await appendDraw(cluster, { name, draw, previousSequence });
}

/** Names of the streams of this lottery that hold bets. */
async function usedStreams({ manager }: Cluster, name: string): Promise<string[]> {
  const streams = await Array.fromAsync(manager.streams.list(`${name}.*.bets.>`));
  return namesOfUsed(streams);
}

function namesOfUsed(streams: readonly StreamInfo[]): string[] {
  return streams.filter(({ state }) => state.messages > 0).map(({ config }) => config.name);
}

async function appendDraw(
  cluster: Cluster,
  { name, draw, previousSequence }: { name: string; draw: DrawRecord; previousSequence: number },
): Promise<ListedDraw> {
  const condition = headers();
  condition.set(EXPECTED_SEQUENCE_HEADER, String(previousSequence));
  const answer = await cluster.connection.request(drawsSubject(name), encodeDraw(draw), {
    timeout: ATTEMPT_MS,
    headers: condition,
  });
  const result = parseAnswer(answer.string());
  if (result.status === "stored") return { draw, sequence: result.sequence };
  if (result.status !== "mismatch") throw new Error(`the draw cannot begin: ${result.reason}`);
  const current = await findCurrentDraw(cluster, name);
  if (current === undefined) throw new Error("another draw begins at this moment");
  return current;
}

/** A UUID derived from a text (RFC 9562, version 8). */
function drawId(text: string): string {
  const hash = createHash("sha256").update(text).digest("hex");
  const variant = (8 + parseInt(hash[16], 16) % 4).toString(16);
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `${variant}${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ].join("-");
}
