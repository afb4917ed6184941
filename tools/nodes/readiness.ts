/**
 * Waits until the nodes of a cluster have found each other.
 *
 * @module
 */

import { TASK, TaskError } from "../project.ts";
import { explainSilence, Monitoring } from "./monitoring.ts";

/** How long nodes may take to elect leaders, and to catch up with each other after a crash. */
const READY_TIMEOUT_MS = 120_000;
const POLL_MS = 100;
/** How often a wait is explained: an election takes up to nine seconds. */
const REPORT_MS = 1500;

/** Options of {@linkcode untilReady}. */
export interface ReadinessOptions {
  /** Ends the wait without an error. */
  stop: AbortSignal;
  /** @default {120000} */
  timeoutMs?: number;
  /** Called from time to time with what the nodes are waiting for. @default {nothing} */
  onWait?: (reasons: string) => void;
}

/**
 * Waits until every node is ready and has caught up.
 *
 * @param addresses The monitoring ports, `host:port` by the name of the node.
 * @throws {TaskError} If that takes too long. It says what each node is waiting for.
 */
export async function untilReady(
  addresses: ReadonlyMap<string, string>,
  { stop, timeoutMs = READY_TIMEOUT_MS, onWait = () => {} }: ReadinessOptions,
): Promise<void> {
  const startMs = performance.now();
  let reports = 0;
  for (;;) {
    const faults = await Promise.all([...addresses].map(readinessFault));
    const found = faults.filter((fault) => fault !== undefined);
    if (found.length === 0 || stop.aborted) return;
    const waitedMs = performance.now() - startMs;
    if (waitedMs > (reports + 1) * REPORT_MS) {
      reports++;
      onWait(found.join("; "));
    }
    if (waitedMs > timeoutMs) {
      throw new TaskError(
        `The nodes of the ledger are not ready after ${timeoutMs / 1000} s: ${
          found.join("; ")
        }. Their ` +
          `lines are in the log (${TASK} logs ${[...addresses.keys()].join(" ")})`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function readinessFault([name, address]: [string, string]): Promise<string | undefined> {
  try {
    const { status, error } = await new Monitoring(address).health();
    return status === "ok" ? undefined : `${name}: ${error ?? status}`;
  } catch (error) {
    return `${name}: ${explainSilence(error)}`;
  }
}

/**
 * Whether any node of this checkout runs, ready or not.
 *
 * @param tag The tag of its nodes.
 * @throws {TaskError} If a nats-server of others has one of the ports.
 */
export async function isAnyRunning(
  addresses: ReadonlyMap<string, string>,
  tag: string,
): Promise<boolean> {
  const statuses = await Promise.all(
    [...addresses.values()].map((address) =>
      new Monitoring(address).status().catch(() => undefined)
    ),
  );
  const running = statuses.filter((status) => status !== undefined);
  const other = running.find(({ tags = [] }) => !tags.includes(tag));
  if (other === undefined) return running.length > 0;
  throw new TaskError(
    `A nats-server that is not of this checkout, ${other.server_name}, has one of the ports ` +
      `${[...addresses.values()].join(", ")}: stop it, or change NODE_PORT in .env`,
  );
}
