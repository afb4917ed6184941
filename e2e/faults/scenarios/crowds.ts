/**
 * More hostile and slow clients than the server has places for. Honest agencies must make progress
 * beside them, the server's memory must stay within its bound, and SIGTERM must still end it in
 * time.
 *
 * Tests in one process use a handful of such clients. Only this run fills the kernel's socket
 * buffers, uses up open files, and measures the memory of a whole server.
 *
 * @module
 */

import { Crowd, CROWD_KINDS, type CrowdKind } from "../crowd.ts";
import type { Fault } from "../fault.ts";
import { ServerGroup } from "../../../testing/servers.ts";
import { terminate } from "../fault_cluster.ts";
import { Lottery } from "../lottery.ts";
import type { RunOptions, Verdict } from "../verdict.ts";

const AGENCIES = 2;
const BATCHES = 10;
/** More clients than places. */
const CROWD = 300;
/** Fewer clients that keep the server busy: no rule makes them leave. */
const CROWD_AT_WORK = 150;
const PLACES = { SERVER_MAX_CONNECTIONS: "200", SERVER_MAX_WAITING: "100" };
/** A limit that leaves fewer places still. */
const OPEN_FILES_FEW = 100;
const AT_ONCE = 3;
/** How long an idle client may keep its place while others wait. */
const CROWDED_IDLE_SECONDS = 1;
/** What the client program takes by default. */
const ANSWER_MS = 10_000;
/** How long a server may take to exit after SIGTERM, on a machine that has time for it. */
const EXIT_MS_MAX = 2000;
/**
 * On a busy machine, it may take so much longer: so many times what an empty server takes at the same moment, which
 * has nothing to do but to wait for the processor.
 */
const EMPTY_EXITS_MAX = 3;
/** Most memory that a server may take, whatever its clients do. */
const MEGABYTES_MAX = 256;

/** A crowd at a server. */
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

/** Options of {@linkcode crowds}. */
export interface CrowdsOptions extends RunOptions {
  /** The crowds to send, in turn. @default {every kind, and one at a server with few open files} */
  sieges?: readonly Siege[];
  /** How many honest agencies there are. @default {2} */
  agencies?: number;
  /** Settings of the server, for controls. */
  env?: Record<string, string>;
  /** How long the agencies may take for their allowance. @default {60_000} */
  timeoutMs?: number;
}

/** Sends `count` crowds, a few at a time, each to a server of its own. */
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
      count,
      connections: outcomes.reduce((sum, { connections }) => sum + connections, 0),
      most_megabytes: Math.max(...outcomes.map(({ megabytes }) => megabytes)),
      longest_exit_ms: Math.round(Math.max(...outcomes.map(({ exitMs }) => exitMs))),
      longest_empty_exit_ms: Math.round(
        Math.max(...outcomes.map(({ emptyExitMs }) => emptyExitMs)),
      ),
    },
  };
}

/** How a siege went. */
interface Outcome {
  faults: Fault[];
  connections: number;
  /** Peak memory of the server. */
  megabytes: number;
  /** How long the server took to exit after SIGTERM. */
  exitMs: number;
  /** How long an empty server took at the same time. */
  emptyExitMs: number;
}

async function endure(
  siege: Siege,
  { seed, unsafe, agencies = AGENCIES, env, timeoutMs = 60_000 }: CrowdsOptions,
): Promise<Outcome> {
  await using lottery = await Lottery.start({
    seed,
    servers: 1,
    agencies,
    answerMs: ANSWER_MS,
    unsafe,
    openFilesMax: siege.openFilesMax,
    env: {
      ...PLACES,
      SERVER_CROWDED_IDLE_SECONDS: String(CROWDED_IDLE_SECONDS),
      ...env,
    },
  });
  const outcome = await besiege(lottery, siege, timeoutMs);
  // Only after the siege, since it asks each server for all winners.
  if (outcome.faults.length === 0) outcome.faults.push(...await lottery.finish());
  const { kind, openFilesMax } = siege;
  const name = openFilesMax === undefined ? kind : `${kind}, ${openFilesMax} files`;
  const faults = outcome.faults.map(({ kind, detail }) => ({ kind, detail: `${name}: ${detail}` }));
  return { ...outcome, faults };
}

async function besiege(
  lottery: Lottery,
  { kind, size, halfPacketBytes }: Siege,
  timeoutMs: number,
): Promise<Outcome> {
  const { cluster: { servers: [server] }, random } = lottery;
  await using empty = await ServerGroup.start({ servers: 1, agencies: 1 });
  const faults: Fault[] = [];
  const address = () => server.address;
  await using crowd = new Crowd({ kind, size, address, random, halfPacketBytes });
  await crowd.burdens.more(size, "a client of the crowd");
  // The agencies connected first. Now they have to find a place.
  lottery.hangUp();
  if (!await makesProgress(lottery, timeoutMs)) faults.push(stuck());
  const megabytes = Math.round((server.process.peakBytes() ?? NaN) / 2 ** 20);
  if (!(megabytes <= MEGABYTES_MAX)) {
    faults.push({
      kind: "memory",
      detail: `the server took ${megabytes} MB, more than ${MEGABYTES_MAX}`,
    });
  }
  const [{ code, tookMs }, { tookMs: emptyExitMs }] = await Promise.all(
    [server, empty.servers[0]].map(({ process }) => terminate(process)),
  );
  const allowedMs = Math.round(EXIT_MS_MAX + EMPTY_EXITS_MAX * emptyExitMs);
  if (code !== 0 || tookMs > allowedMs) {
    const detail = `the server exited with ${code} after ${
      Math.round(tookMs)
    } ms, of ${allowedMs} ms`;
    faults.push({ kind: "bad exit", detail: `${detail}:\n${server.process.tail()}` });
  }
  await server.start();
  const isDone = faults.length > 0 ||
    await makesProgress(lottery, timeoutMs) && await lottery.end();
  if (!isDone) faults.push(stuck());
  return { faults, megabytes, exitMs: tookMs, emptyExitMs, connections: crowd.burdens.value };
}

/** Lets the agencies send more; returns whether all of it is acknowledged in time. */
async function makesProgress(lottery: Lottery, timeoutMs: number): Promise<boolean> {
  const { agencies, history: { stored } } = lottery;
  lottery.grant(BATCHES);
  return await stored.reaches(stored.value + agencies.length * BATCHES, timeoutMs);
}

function stuck(): Fault {
  return {
    kind: "unfinished",
    detail: "honest agencies make no progress while the crowd is there",
  };
}
