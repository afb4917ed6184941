/**
 * Waits until the nodes of a cluster have found each other, and helps those that do not.
 *
 * @module
 */

import { TASK, TaskError } from "../project.ts";
import { explainSilence, type JetStreamStatus, type Monitoring } from "./monitoring.ts";

/** How long nodes may take to elect leaders, and to catch up with each other after a crash. */
const READY_TIMEOUT_MS = 120_000;
const POLL_MS = 100;
/** How often a wait is explained: an election takes up to nine seconds. */
const REPORT_MS = 1500;
/** How long a node may stand still before it is started again for the first time. An election is over by then. */
const STANDSTILL_MS = 12_000;

/** Why a node is not ready. */
export interface NodeFault {
  /** In a few words. */
  reason: string;
  /** Messages of all its streams: a node that catches up gets more of them. */
  messages: number;
}

/** Options of {@linkcode untilReady}. */
export interface ReadinessOptions {
  /** Ends the wait without an error. @default {never} */
  stop?: AbortSignal;
  /** @default {120000} */
  timeoutMs?: number;
  /** Called from time to time with what the nodes are waiting for. @default {nothing} */
  onWait?: (reasons: string) => void;
  /**
   * Restarts a node that stands still. One that was started at the moment of an election may wait for good, because
   * the leader does not hear it: docs/reliability.md.
   */
  restart: (name: string, reason: string) => Promise<unknown>;
  /**
   * How long a node may stand still before that, in milliseconds. It doubles each time: a node may also have much to
   * read at its start. @default {12000}
   */
  standstillMs?: number;
}

/**
 * Finds the nodes that are not ready: those that do not answer, know no leader or are behind, and those that the
 * leader of the cluster does not hear. Such a node calls itself healthy, but gets no replicas of streams.
 *
 * @param nodes All nodes of the cluster, by name.
 * @returns What is wrong with each of them, by name. Nothing if all are ready.
 */
export async function findFaults(
  nodes: ReadonlyMap<string, Monitoring>,
): Promise<Map<string, NodeFault>> {
  const looks = await Promise.all(Array.from(nodes, lookAt));
  const leader = looks.find(({ name, members }) => members?.leader === name);
  const faults = new Map<string, NodeFault>();
  for (const { name, messages, fault } of looks) {
    const reason = fault ?? (nodes.size > 1 ? silenceTo(leader, name) : undefined);
    if (reason !== undefined) faults.set(name, { reason, messages });
  }
  return faults;
}

/**
 * Waits until every node is ready: see {@linkcode findFaults}. Starts those again that stand still, one at a time.
 *
 * @param nodes All nodes of the cluster, by name.
 * @throws {TaskError} If that takes too long. It says what each node is waiting for.
 */
export async function untilReady(
  nodes: ReadonlyMap<string, Monitoring>,
  options: ReadinessOptions,
): Promise<void> {
  const { stop, timeoutMs = READY_TIMEOUT_MS, onWait = () => {} } = options;
  const standstills = new Standstills(options.standstillMs ?? STANDSTILL_MS);
  const startMs = performance.now();
  let reports = 0;
  for (;;) {
    const faults = await findFaults(nodes);
    if (faults.size === 0 || stop?.aborted) return;
    const reasons = Array.from(faults, ([name, { reason }]) => `${name}: ${reason}`).join("; ");
    const waitedMs = performance.now() - startMs;
    if (waitedMs > (reports + 1) * REPORT_MS) {
      reports++;
      onWait(reasons);
    }
    if (waitedMs > timeoutMs) {
      throw new TaskError(
        `The nodes of the ledger are not ready after ${timeoutMs / 1000} s: ${reasons}. Their ` +
          `lines are in the log (${TASK} logs ${[...nodes.keys()].join(" ")})`,
      );
    }
    const still = standstills.note(faults, performance.now());
    if (still === undefined) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    else await options.restart(still, faults.get(still)!.reason);
  }
}

/** For how long nodes have stood still. */
class Standstills {
  readonly #firstMs: number;
  /** By name: with how many messages a node stands still, since when, and how long it may. */
  readonly #waits = new Map<string, { messages: number; sinceMs: number; limitMs: number }>();

  constructor(firstMs: number) {
    this.#firstMs = firstMs;
  }

  /**
   * Takes note of the faults that were found.
   *
   * @returns The node to start again, if there is one. The others get time to find it.
   */
  note(faults: ReadonlyMap<string, NodeFault>, nowMs: number): string | undefined {
    for (const name of this.#waits.keys()) if (!faults.has(name)) this.#waits.delete(name);
    for (const [name, { messages }] of faults) {
      const wait = this.#waits.get(name);
      if (wait?.messages !== messages) {
        const { limitMs } = wait ?? { limitMs: this.#firstMs };
        this.#waits.set(name, { messages, sinceMs: nowMs, limitMs });
      } else if (nowMs - wait.sinceMs >= wait.limitMs) {
        wait.limitMs *= 2;
        for (const other of this.#waits.values()) other.sinceMs = nowMs;
        return name;
      }
    }
  }
}

/** What a node has said of itself. */
interface Look {
  name: string;
  messages: number;
  /** Why it is not healthy. */
  fault?: string;
  members?: JetStreamStatus["meta_cluster"];
}

async function lookAt([name, monitoring]: [string, Monitoring]): Promise<Look> {
  try {
    const [{ status, error }, { meta_cluster: members, account_details: accounts = [] }] =
      await Promise.all([monitoring.health(), monitoring.jetStream()]);
    const messages = accounts
      .flatMap(({ stream_detail: streams = [] }) => streams)
      .reduce((sum, { state }) => sum + state.messages, 0);
    return { name, messages, members, fault: status === "ok" ? undefined : error ?? status };
  } catch (error) {
    return { name, messages: 0, fault: explainSilence(error) };
  }
}

/** Returns why a healthy node is no part of the cluster; undefined if it is. */
function silenceTo(leader: Look | undefined, name: string): string | undefined {
  if (leader === undefined) return "no node leads the cluster";
  if (leader.name === name) return undefined;
  const seen = leader.members?.replicas?.find((replica) => replica.name === name);
  if (seen?.current && !seen.offline) return undefined;
  return `the leader, ${leader.name}, does not hear it`;
}

/**
 * Whether any node of this checkout runs, ready or not.
 *
 * @param tag The tag of its nodes.
 * @throws {TaskError} If a nats-server of others has one of the ports.
 */
export async function isAnyRunning(
  nodes: ReadonlyMap<string, Monitoring>,
  tag: string,
): Promise<boolean> {
  const monitorings = [...nodes.values()];
  const statuses = await Promise.all(
    monitorings.map((monitoring) => monitoring.status().catch(() => undefined)),
  );
  const running = statuses.filter((status) => status !== undefined);
  const other = running.find(({ tags = [] }) => !tags.includes(tag));
  if (other === undefined) return running.length > 0;
  throw new TaskError(
    `A nats-server that is not of this checkout, ${other.server_name}, has one of the ports ` +
      `${
        monitorings.map(({ address }) => address).join(", ")
      }: stop it, or change NODE_PORT in .env`,
  );
}
