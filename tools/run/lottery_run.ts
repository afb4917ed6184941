/**
 * A run of the lottery, from the start of its nodes to their end.
 *
 * @module
 */

import { isNodeDetail } from "../nodes/node_lines.ts";
import { BOARD, type RunBoard } from "./board.ts";
import { localLedger, localMonitoring, NODES_FOLDER_NAME } from "../nodes/nodes.ts";
import { untilReady } from "../nodes/readiness.ts";
import type { Cluster, RunningNodes, RunOptions, ServiceOptions } from "./cluster.ts";
import { serviceNames } from "./lottery_settings.ts";
import { parseAction } from "./log_lines.ts";
import type { RunDisplay } from "./run_display.ts";
import type { RunLedger, StoredFacts } from "./run_ledger.ts";
import type { RunLock } from "./run_lock.ts";
import type { RunSettings } from "./run_settings.ts";
import { RunWatch } from "./run_watch.ts";

/** A run that has been prepared. */
export interface LotteryRun {
  cluster: Cluster;
  ledger: RunLedger;
  settings: RunSettings;
  lock: RunLock;
  display: RunDisplay;
  /** The board of the run, if it has one. */
  board?: RunBoard;
  /** Stops the run early. */
  stop: AbortSignal;
}

/** The outcome of a run. */
export interface RunEnd {
  watch: RunWatch;
  /** What is stored; nothing if the run was stopped early. */
  stored?: StoredFacts;
}

/**
 * Runs nodes, servers and clients until no client can make progress any more, and reads what is stored before
 * the nodes are stopped.
 *
 * @throws {TaskError} If something cannot start, or the ledger has a draw that cannot continue.
 */
export async function runServices(run: LotteryRun): Promise<RunEnd> {
  const { board, cluster, display, ledger, lock, settings, stop } = run;
  const { nodes, servers, clients } = serviceNames(settings.lottery);
  const watch = new RunWatch({ servers: [...nodes, ...servers], clients });
  const services = new Services(run, watch);
  const running = await startNodes(run, services.options("nodes"));
  let stored: StoredFacts | undefined;
  let certifying: Promise<void> | undefined;
  // If it cannot be written now, reading the ledger tries again, and says why not.
  watch.drawn.then(() => certifying = ledger.certify(settings).catch(() => {}));
  try {
    if (!stop.aborted) {
      display.begin("Reading what is stored");
      await ledger.prepare(settings, (line) => display.say(line));
      const finished = services.finished();
      const onServers: RunOptions["onServers"] = async (servers) => {
        lock.describe({ servers });
        display.servers(servers);
        await board?.start(services.options("board"), servers);
      };
      await cluster.run({ ...services.options("others"), onServers, finished, stop });
    }
    display.stopping("Counting the stored bets");
    await certifying;
    if (!stop.aborted) stored = await ledger.read(settings, (line) => display.saySentence(line));
  } finally {
    await certifying;
    if (running !== undefined) display.stopping("Stopping the nodes");
    await running?.stop();
  }
  return { watch, stored };
}

/** Starts the nodes of the ledger, if this run has any, and waits until they have found each other. */
async function startNodes(
  { cluster, settings, stop, display }: LotteryRun,
  options: ServiceOptions,
): Promise<RunningNodes | undefined> {
  const { ledger, nodePort } = settings.lottery;
  if (ledger.kind !== "nodes") return undefined;
  display.say(`Starting the nodes of the ledger, whose data is in ${NODES_FOLDER_NAME}`);
  display.begin("Starting the nodes of the ledger");
  const running = await cluster.startNodes(options);
  try {
    await untilReady(localMonitoring(nodePort), {
      stop,
      onWait: (reasons) => display.begin(`Waiting for the nodes: ${reasons}`),
      restart: (name, reason) => {
        display.say(`Starting ${name} again: ${reason}`);
        return running.restart(name);
      },
    });
    if (!stop.aborted) display.say(`The nodes are ready: ${localLedger(nodePort)}`);
    return running;
  } catch (error) {
    await running.stop();
    throw error;
  }
}

/** Services that start together. */
type ServiceKind = "nodes" | "board" | "others";

/** Receives what services report, shows it, and follows their progress. */
class Services {
  readonly #run: LotteryRun;
  readonly #watch: RunWatch;
  readonly #pids: Record<ServiceKind, number[]> = { nodes: [], board: [], others: [] };

  constructor(run: LotteryRun, watch: RunWatch) {
    this.#run = run;
    this.#watch = watch;
  }

  /** Returns what to start services with. */
  options(kind: ServiceKind): ServiceOptions {
    const { display } = this.#run;
    return {
      settings: this.#run.settings,
      board: this.#run.board?.plan,
      onStart: (children) => {
        this.#pids[kind] = children;
        this.#run.lock.record(Object.values(this.#pids).flat());
      },
      onLine: (name, line) => this.#line(name, line),
      onEnd: (name, exitCode) => {
        if (name === BOARD) return this.#run.board?.end(exitCode);
        display.end(name, exitCode);
        this.#watch.end(name, exitCode);
      },
      onDown: (name) => {
        display.down(name);
        this.#watch.down(name);
      },
      onStep: (step) => display.begin(step),
    };
  }

  /** Resolves when no client can make progress any more, or the run is stopped, and says so. */
  async finished(): Promise<void> {
    const { display, stop } = this.#run;
    const end = await Promise.race([this.#watch.outcome, aborted(stop)]);
    if (end === "stuck") {
      display.say("An agency has not closed, so there is no draw: stopping");
    } else if (end === undefined) display.say("Stopping");
    else await display.settle();
    display.stopping("Stopping clients and servers");
  }

  #line(name: string, line: string): void {
    const { display } = this.#run;
    if (isNodeDetail(line)) return display.detail(name, line);
    if (name === BOARD) {
      // The operator wants to know where it is, which it says itself, and what is wrong with it.
      if (parseAction(line)?.result === "success") display.detail(name, line);
      else display.line(name, line);
      return this.#run.board?.line(line);
    }
    display.line(name, line);
    this.#watch.line(name, line);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}
