/**
 * The nodes of the ledger, started for a task that reads or changes streams while `up` is not running.
 *
 * @module
 */

import { findNatsServer } from "../nodes/nats_server.ts";
import { localMonitoring } from "../nodes/nodes.ts";
import { untilReady } from "../nodes/readiness.ts";
import { TaskError } from "../project.ts";
import type { Cluster } from "./cluster.ts";
import { COMPOSE_CLUSTER } from "./compose_cluster.ts";
import { ComposeProject, dockerFault } from "./docker.ts";
import { environmentWithFlag } from "./ledger_choice.ts";
import { LOCAL_CLUSTER } from "./local_cluster.ts";
import { RunLock } from "./run_lock.ts";
import { readRunSettings } from "./run_settings.ts";

/**
 * Starts the nodes, as processes where nats-server is installed and in containers elsewhere. At the end of the
 * block they are stopped.
 *
 * @throws {TaskError} If the lottery runs, or the nodes cannot start.
 */
export async function borrowNodes(): Promise<AsyncDisposable> {
  const settings = readRunSettings({ environment: environmentWithFlag("jetstream") });
  await using stack = new AsyncDisposableStack();
  const lock = stack.use(await RunLock.acquire());
  const cluster = await chooseCluster();
  const lines: string[] = [];
  const nodes = await cluster.startNodes({
    settings,
    onStart: (children) => lock.record(children),
    onLine: (name, line) => lines.push(`${name} | ${line}`),
    onEnd: () => {},
    onDown: () => {},
  });
  stack.defer(() => nodes.stop());
  await untilReady(localMonitoring(settings.lottery.nodePort), {
    stop: new AbortController().signal,
  });
  return stack.move();
}

/** A task should not depend on how the last run was started: both kinds have the same data. */
async function chooseCluster(): Promise<Cluster> {
  let missing: Error;
  try {
    findNatsServer();
    return LOCAL_CLUSTER;
  } catch (error) {
    missing = error as Error;
  }
  const fault = await dockerFault();
  if (fault !== undefined) throw new TaskError(`${missing.message}. Or start Docker (${fault})`);
  await ComposeProject.assertNotRunning();
  return COMPOSE_CLUSTER;
}
