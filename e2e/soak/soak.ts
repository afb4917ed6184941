/**
 * A soak: servers under a steady load, whose use of the machine is sampled all the time.
 *
 * @module
 */

import { pause } from "../../shared/pause.ts";
import { LineConnection } from "../../testing/line_connection.ts";
import { ServerGroup } from "../../testing/servers.ts";
import { Tally } from "./bets.ts";
import { type Change, changesOf, type Judged, type Sample } from "./growth.ts";
import { handlesOf, sampleAll } from "./samples.ts";
import { makeShortConnections, type Visits } from "./short_connections.ts";

/** A minute, or a quarter of a shorter soak, in which a server becomes warm. */
const WARM_SECONDS_MAX = 60;
const WARM_PART = 1 / 4;
const SAMPLES_MIN = 20;
const SAMPLE_SECONDS_MAX = 5;
const AGENCIES = 5;
const BETS_OF_BATCH = 100;
/** So that servers end idle connections while the soak runs. */
const SERVER_IDLE_SECONDS = 5;
/** Longest wait for servers to close the last connections. */
const CLOSE_TIMEOUT_MS = 30_000;
const CLOSE_POLL_MS = 50;
/** Handles that a server may open while it works, apart from connections: a trial file, a checkpoint. */
const HANDLES_MORE_MAX = 4;

/** What a soak does. */
export interface SoakOptions {
  servers: number;
  seconds: number;
  /** Short connections, evenly over this time. */
  connections: number;
  /** Batches of 100 bets a second, of all agencies together, on connections that stay. */
  batchesPerSecond: number;
  /** Whether the servers leak, as a control. @default {false} */
  isLeaking?: boolean;
  /** Takes the samples of all servers as they are taken. @default {nobody} */
  onSamples?: (samples: readonly Sample[]) => void;
}

/** What came of a soak. */
export interface SoakResult {
  connections: number;
  batches: number;
  /** By server. */
  samples: Sample[][];
  /** By server. */
  changes: Record<Judged, Change>[];
  /** Broken promises, without growth. */
  faults: string[];
}

/** Runs a soak. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { servers, seconds, connections: count, batchesPerSecond } = options;
  const { isLeaking = false } = options;
  await using group = await ServerGroup.start({
    servers,
    agencies: AGENCIES,
    sharedPort: false,
    hasStatus: true,
    env: { SERVER_IDLE_SECONDS: String(SERVER_IDLE_SECONDS) },
    adapt: (program) => isLeaking ? withLeak(program) : program,
  });
  const handlesBefore = group.processes.map(({ pid }) => handlesOf(pid));
  const addresses = group.servers.map(({ address }) => address);
  const tally = new Tally();
  const visits: Visits = { begun: 0, ended: 0, faults: [] };
  const load = { addresses, agencies: AGENCIES, seconds, tally };
  const ending = new AbortController();
  const sampling = takeSamples(group, {
    seconds,
    signal: ending.signal,
    onSamples: options.onSamples,
  });
  const batches = sendBatches({ ...load, perSecond: batchesPerSecond });
  const visiting = makeShortConnections({ ...load, count }, visits);
  const loading = Promise.all([batches, visiting]).finally(() => ending.abort());
  const [[sent], samples] = await Promise.all([loading, sampling]);
  const warmSeconds = Math.min(WARM_SECONDS_MAX, WARM_PART * seconds);
  const faults = [
    ...distinct(visits.faults),
    ...await storedFaults(group, tally),
    ...await closeFaults(group, handlesBefore),
  ];
  return {
    connections: visits.ended,
    batches: sent,
    samples,
    changes: samples.map((ofServer) => changesOf(ofServer, warmSeconds)),
    faults,
  };
}

function withLeak<Program extends { args: string[] }>(program: Program): Program {
  const [run, ...args] = program.args;
  return { ...program, args: [run, "--preload", "e2e/soak/leak.ts", ...args] };
}

/** Samples all servers until `signal` aborts. Returns the samples of each. */
async function takeSamples(
  group: ServerGroup,
  { seconds, signal, onSamples }: Pick<SoakOptions, "seconds" | "onSamples"> & {
    signal: AbortSignal;
  },
): Promise<Sample[][]> {
  const samples: Sample[][] = group.servers.map(() => []);
  const beginMs = performance.now();
  const everyMs = 1000 * Math.min(SAMPLE_SECONDS_MAX, seconds / SAMPLES_MIN);
  while (!signal.aborted) {
    const taken = await sampleAll(group, (performance.now() - beginMs) / 1000);
    for (const [index, sample] of taken.entries()) samples[index].push(sample);
    onSamples?.(taken);
    await pause(everyMs);
  }
  return samples;
}

/** Sends batches at a rate on one connection for each agency. Returns how many were acknowledged. */
async function sendBatches(
  { addresses, agencies, seconds, tally, perSecond }: {
    addresses: readonly { hostname: string; port: number }[];
    agencies: number;
    seconds: number;
    tally: Tally;
    perSecond: number;
  },
): Promise<number> {
  const each = Array.from({ length: agencies }, async (_, index) => {
    using connection = await LineConnection.open(addresses[index % addresses.length]);
    const count = Math.floor(perSecond * seconds / agencies);
    const beginMs = performance.now();
    for (let sent = 0; sent < count; sent++) {
      await tally.store(connection, 1 + index, BETS_OF_BATCH);
      await pause(beginMs + 1000 * (sent + 1) * agencies / perSecond - performance.now());
    }
    return count;
  });
  return (await Promise.all(each)).reduce((sum, count) => sum + count, 0);
}

/** Asks every server for the bets of every agency. */
async function storedFaults({ servers }: ServerGroup, tally: Tally): Promise<string[]> {
  const faults: string[] = [];
  for (const { address } of servers) {
    using connection = await LineConnection.open(address);
    for (let agency = 1; agency <= AGENCIES; agency++) {
      const answer = await connection.ask(`ProgressRequest:${agency}\n`);
      faults.push(...tally.faultOf(agency, Number(answer.replace("ProgressResponse:", ""))));
    }
  }
  return faults;
}

/** Waits until all servers have closed the connections of the load. */
async function closeFaults(
  { processes }: ServerGroup,
  handlesBefore: readonly number[],
): Promise<string[]> {
  const left = () =>
    processes.flatMap(({ name, pid }, index) => {
      const more = handlesOf(pid) - handlesBefore[index];
      return more > HANDLES_MORE_MAX
        ? [`${name} still has ${more} more file handles than before the load`]
        : [];
    });
  const untilMs = performance.now() + CLOSE_TIMEOUT_MS;
  while (left().length > 0 && performance.now() < untilMs) await pause(CLOSE_POLL_MS);
  return left();
}

/** Returns each text once, with how often it came. */
function distinct(texts: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].map(([text, count]) => count > 1 ? `${text} (${count} times)` : text);
}
