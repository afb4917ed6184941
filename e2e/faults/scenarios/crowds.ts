/**
 * Hostile and slow clients, more of them than the server has places: the honest agencies must go on beside
 * them, the server's memory must stay within bounds, and it must end in time when it is told to.
 *
 * @module
 */

import type { Fault } from "../checker.ts";
import { Crowd, CROWD_KINDS, type CrowdKind } from "../crowd.ts";
import { terminate } from "../fault_cluster.ts";
import { Lottery } from "../lottery.ts";
import type { RunOptions, Verdict } from "../verdict.ts";

const AGENCIES = 2;
const BATCHES = 10;
/** More clients than there are places. */
const CROWD = 300;
/** Of clients that keep the server at work, fewer: there is no rule by which they should go. */
const CROWD_AT_WORK = 150;
const PLACES = { SERVER_MAX_CONNECTIONS: "200", SERVER_MAX_WAITING: "100" };
/** The system gives fewer places still. */
const OPEN_FILES_FEW = 100;
const AT_ONCE = 3;
/** How long one may keep a place for nothing while others wait. */
const CROWDED_IDLE_SECONDS = 1;
/** As long as the client program waits for an answer. */
const ANSWER_MS = 10_000;
const END_MS_MAX = 2000;
/** What a server may take, however many clients do their worst. */
const MEGABYTES_MAX = 256;

/** A crowd before a server. */
interface Siege {
  kind: CrowdKind;
  size: number;
  openFilesMax?: number;
  /** See {@linkcode Crowd}. */
  halfPacketBytes?: number;
}

const SIEGES: readonly Siege[] = [
  ...CROWD_KINDS.map((kind) => ({ kind, size: kind === "deaf" ? CROWD_AT_WORK : CROWD })),
  { kind: "idle", size: CROWD, openFilesMax: OPEN_FILES_FEW },
];

/** What {@linkcode crowds} takes beside what all runs take. */
export interface CrowdsOptions extends RunOptions {
  /** @default {every kind of crowd, and one where files are short} */
  sieges?: readonly Siege[];
  /** Settings of the server, for controls. */
  environment?: Record<string, string>;
  /** How long the agencies may take for what they are allowed. @default {60_000} */
  patienceMs?: number;
}

/** Sends `count` crowds, some at once, each to a server of its own. */
export async function crowds(options: CrowdsOptions): Promise<Verdict> {
  const { seed, count, sieges = SIEGES } = options;
  const outcomes: Outcome[] = [];
  for (let from = 0; from < count; from += AT_ONCE) {
    const next = Array.from(
      { length: Math.min(AT_ONCE, count - from) },
      (_, index) => from + index,
    );
    const wave = next.map((at) =>
      endure(sieges[at % sieges.length], { ...options, seed: seed + at })
    );
    outcomes.push(...await Promise.all(wave));
  }
  return {
    faults: outcomes.flatMap(({ faults }) => faults),
    figures: {
      crowds: count,
      connections: outcomes.reduce((sum, { connections }) => sum + connections, 0),
      most_megabytes: Math.max(...outcomes.map(({ megabytes }) => megabytes)),
      longest_end_ms: Math.round(Math.max(...outcomes.map(({ endMs }) => endMs))),
    },
  };
}

/** How a siege went. */
interface Outcome {
  faults: Fault[];
  connections: number;
  /** Memory of the server. */
  megabytes: number;
  /** How long the server took to end. */
  endMs: number;
}

async function endure(
  siege: Siege,
  { seed, unsafe, environment, patienceMs = 60_000 }: CrowdsOptions,
): Promise<Outcome> {
  await using lottery = await Lottery.start({
    seed,
    servers: 1,
    agencies: AGENCIES,
    answerMs: ANSWER_MS,
    unsafe,
    openFilesMax: siege.openFilesMax,
    environment: {
      ...PLACES,
      SERVER_CROWDED_IDLE_SECONDS: String(CROWDED_IDLE_SECONDS),
      ...environment,
    },
  });
  const outcome = await besiege(lottery, siege, patienceMs);
  // Behind the siege: each server is asked for all winners.
  if (outcome.faults.length === 0) outcome.faults.push(...await lottery.finish());
  const { kind, openFilesMax } = siege;
  const name = openFilesMax === undefined ? kind : `${kind}, ${openFilesMax} files`;
  const faults = outcome.faults.map(({ kind, detail }) => ({ kind, detail: `${name}: ${detail}` }));
  return { ...outcome, faults };
}

async function besiege(
  lottery: Lottery,
  { kind, size, halfPacketBytes }: Siege,
  patienceMs: number,
): Promise<Outcome> {
  const { cluster: { servers: [server] }, random } = lottery;
  const faults: Fault[] = [];
  const address = () => server.address;
  await using crowd = new Crowd({ kind, size, address, random, halfPacketBytes });
  await crowd.burdens.more(size, "a client of the crowd");
  // The agencies were there first; now they have to find a place.
  lottery.hangUp();
  if (!await goesOn(lottery, patienceMs)) faults.push(stuck());
  const megabytes = Math.round((server.process.peakBytes() ?? NaN) / 2 ** 20);
  if (!(megabytes <= MEGABYTES_MAX)) {
    faults.push({ kind: "memory", detail: `the server took ${megabytes} MB of ${MEGABYTES_MAX}` });
  }
  const { code, tookMs } = await terminate(server.process);
  if (code !== 0 || tookMs > END_MS_MAX) {
    const detail = `the server ended with ${code} after ${Math.round(tookMs)} ms`;
    faults.push({ kind: "bad end", detail: `${detail}:\n${server.process.tail()}` });
  }
  await server.start();
  const isDone = faults.length > 0 || await goesOn(lottery, patienceMs) && await lottery.end();
  if (!isDone) faults.push(stuck());
  return { faults, megabytes, endMs: tookMs, connections: crowd.burdens.value };
}

/** Whether the agencies are served: what they may send now is acknowledged in time. */
async function goesOn(lottery: Lottery, patienceMs: number): Promise<boolean> {
  const { history: { stored } } = lottery;
  lottery.grant(BATCHES);
  return await stored.reaches(stored.value + AGENCIES * BATCHES, patienceMs);
}

function stuck(): Fault {
  return { kind: "unfinished", detail: "honest agencies do not go on beside the crowd" };
}
