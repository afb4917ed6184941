/**
 * The nodes of the ledger, started for a task that reads or changes streams while `up` is not running.
 *
 * @module
 */

import { assertNodePortsFree } from "../nodes/local_nodes.ts";
import { findNatsServer } from "../nodes/nats_server.ts";
import { localMonitoring, NODES_FOLDER, NODES_FOLDER_NAME } from "../nodes/nodes.ts";
import { untilReady } from "../nodes/readiness.ts";
import { TASK, TaskError, unlessNotFound } from "../project.ts";
import type { Cluster } from "./cluster.ts";
import { COMPOSE_CLUSTER } from "./compose_cluster.ts";
import { ComposeProject, dockerFault } from "./docker.ts";
import { environmentWithFlag } from "./ledger_choice.ts";
import { LOCAL_CLUSTER } from "./local_cluster.ts";
import { RunLock } from "./run_lock.ts";
import { readRunSettings, type RunSettings } from "./run_settings.ts";

/**
 * Starts the nodes, as processes where nats-server is installed and in containers elsewhere. At the end of the
 * block they are stopped.
 *
 * @throws {TaskError} If the lottery runs, or the nodes cannot start.
 */
export async function borrowNodes(): Promise<AsyncDisposable> {
  const settings = readRunSettings({ environment: environmentWithFlag("jetstream") });
  if (await unlessNotFound(Deno.stat(NODES_FOLDER)) === undefined) {
    throw new TaskError(
      `Nothing is stored yet in ${NODES_FOLDER_NAME}: ${TASK} up --ledger jetstream begins a draw`,
    );
  }
  await using stack = new AsyncDisposableStack();
  const lock = stack.use(await RunLock.acquire());
  const cluster = await prepareCluster(settings);
  console.error("The nodes of the ledger are not running: starting them for this task");
  const nodes = await cluster.startNodes({
    settings,
    onStart: (children) => lock.record(children),
    onLine: () => {},
    onEnd: () => {},
    onDown: () => {},
    onStep: () => {},
  });
  stack.defer(() => nodes.stop());
  await untilReady(localMonitoring(settings.lottery.nodePort), {
    onWait: (reasons) => console.error(`Waiting for the nodes: ${reasons}`),
    restart: (name) => nodes.restart(name),
  });
  return stack.move();
}

/** A task should not depend on how the last run was started: both kinds have the same data. */
async function prepareCluster(settings: RunSettings): Promise<Cluster> {
  assertNodePortsFree(settings.lottery.nodePort);
  const missing = natsServerFault();
  if (missing === undefined) return LOCAL_CLUSTER;
  const fault = await dockerFault();
  if (fault !== undefined) throw new TaskError(`${missing}. Or start Docker (${fault})`);
  await ComposeProject.assertNotRunning();
  await COMPOSE_CLUSTER.prepare(settings, console.error);
  return COMPOSE_CLUSTER;
}

/** Returns why nodes cannot be processes. */
function natsServerFault(): string | undefined {
  try {
    findNatsServer();
  } catch (error) {
    return (error as Error).message;
  }
}
