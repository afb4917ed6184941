/**
 * A lottery whose ledger is on the nodes of a real cluster, and rounds in which something breaks
 * while its agencies send.
 *
 * @module
 */

import type { Hosts } from "../../testing/hosts.ts";
import { NatsCluster, type NatsClusterOptions } from "../../testing/nats_cluster.ts";
import type { NatsNode } from "../../testing/nats_node.ts";
import type { Random } from "../../testing/random.ts";
import type { Fault } from "./fault.ts";
import { Lottery, type LotteryOptions } from "./lottery.ts";
import { compareReplicas } from "./replicas.ts";
import type { Verdict } from "./verdict.ts";

const SERVERS = 2;
const AGENCIES = 4;
/** Streams of the draw: fewer than agencies, so that some share one. */
const PARTITIONS = 2;
/** Small batches at a moderate pace: a run of many rounds has to be read at its end. */
const BATCH_BETS_MAX = 20;
const PAUSE_MS = 20;
/** What the client program takes by default. */
const ANSWER_MS = 10_000;
/** An agency may have to wait for its close, its winners and an election. */
const END_TIMEOUT_MS = 120_000;
/** Most batches before something breaks. */
const BATCHES_BEFORE = 40;
/** Batches that each agency must be able to store after something broke, and after it was repaired. */
const BATCHES_AFTER = 5;
const POLL_MS = 20;

/** Options of {@linkcode NodesLottery.start}. */
export interface NodesLotteryOptions extends Partial<Omit<LotteryOptions, "nodes">> {
  seed: number;
  /** How long agencies may take to continue, in milliseconds. @default {60_000} */
  continueMs?: number;
  /** The cluster. @default {three nodes: on the loopback, or one on each of `hosts`} */
  cluster?: NatsClusterOptions;
}

/** What happens in a round. */
export interface Round {
  /** Breaks something, while agencies send. */
  breaks: () => Promise<void>;
  /** Repairs it, after agencies have continued. */
  repairs: () => Promise<void>;
  /** Whether agencies can only continue after the repair. @default {false} */
  isTotal?: boolean;
}

/** Servers, agencies and nodes. */
export class NodesLottery implements AsyncDisposable {
  readonly lottery: Lottery;
  readonly nodes: NatsCluster;
  /**
   * How long agencies could not go on in each round, in milliseconds: their longest pause, or if there was no
   * majority, their longest wait after the repair had begun.
   */
  readonly outagesMs: number[] = [];
  readonly #continueMs: number;
  readonly #resources: AsyncDisposableStack;
  #isStuck = false;

  private constructor(
    { lottery, nodes, continueMs = 60_000, resources }: {
      lottery: Lottery;
      nodes: NatsCluster;
      continueMs?: number;
      resources: AsyncDisposableStack;
    },
  ) {
    this.lottery = lottery;
    this.nodes = nodes;
    this.#continueMs = continueMs;
    this.#resources = resources;
  }

  /** Starts nodes, servers and agencies. No bet is sent before the first round. */
  static async start(options: NodesLotteryOptions): Promise<NodesLottery> {
    await using resources = new AsyncDisposableStack();
    const { hosts, cluster = hosts && clusterOn(hosts) } = options;
    const nodes = resources.use(await NatsCluster.start(cluster));
    const lottery = resources.use(
      await Lottery.start({
        servers: SERVERS,
        agencies: AGENCIES,
        batchBetsMax: BATCH_BETS_MAX,
        pauseMs: PAUSE_MS,
        answerMs: ANSWER_MS,
        endTimeoutMs: END_TIMEOUT_MS,
        ...options,
        nodes,
        env: { LEDGER_PARTITIONS: String(PARTITIONS), ...options.env },
      }),
    );
    const { continueMs } = options;
    return new NodesLottery({ lottery, nodes, continueMs, resources: resources.move() });
  }

  /** For the schedule. */
  get random(): Random {
    return this.lottery.random;
  }

  /** Returns the names of the streams that hold bets, in order. */
  async betStreams(): Promise<string[]> {
    return (await this.nodes.streamNames()).filter((name) => !name.endsWith("_DRAWS"));
  }

  /** Returns the node that leads one of the streams. */
  async leader(): Promise<NatsNode> {
    return await this.nodes.leader(this.random.pick(await this.betStreams()));
  }

  /** Returns a node that leads none of the streams: there are more nodes than streams. */
  async follower(): Promise<NatsNode> {
    const streams = await this.betStreams();
    const leaders = await Promise.all(streams.map((stream) => this.nodes.leader(stream)));
    return this.random.pick(this.nodes.nodes.filter((node) => !leaders.includes(node)));
  }

  /**
   * Breaks something while agencies send, and repairs it; agencies must go on each time. Nothing more happens
   * once they could not.
   */
  async round({ breaks, repairs, isTotal = false }: Round): Promise<void> {
    const { lottery, random } = this;
    if (this.#isStuck) return;
    lottery.grant(Infinity);
    const { stored } = lottery.history;
    const before = stored.value + random.integer(1, BATCHES_BEFORE);
    if (!await stored.reaches(before, this.#continueMs)) {
      this.#isStuck = true;
      return;
    }
    await lottery.jitter();
    const beginMs = performance.now();
    await breaks();
    if (!isTotal && !await this.#continues()) return;
    const repairMs = performance.now();
    await repairs();
    if (!await this.#continues()) return;
    const { history } = lottery;
    this.outagesMs.push(isTotal ? history.longestWait(repairMs) : history.longestPause(beginMs));
    lottery.hold();
    await this.nodes.recover();
  }

  /**
   * Ends the lottery and judges: what the streams hold, and that all replicas hold the same.
   *
   * @param figures Further measurements.
   */
  async verdict(figures: Verdict["figures"] = {}): Promise<Verdict> {
    const { lottery, nodes, outagesMs } = this;
    await nodes.startAll();
    const faults = await this.#judge();
    return {
      faults: [...faults, ...this.#deadServers(), ...this.#crashedNodes()],
      figures: {
        ...figures,
        batches_acknowledged: lottery.history.stored.value,
        failures_seen_by_agencies: lottery.agencies.reduce(
          (sum, { failures }) => sum + failures,
          0,
        ),
        outage_median_ms: median(outagesMs),
        outage_max_ms: Math.round(Math.max(0, ...outagesMs)),
        nodes_restarted_to_catch_up: nodes.restarts,
        nodes_crashed: nodes.crashes.length,
      },
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }

  async #judge(): Promise<Fault[]> {
    const { lottery, nodes } = this;
    if (this.#isStuck) {
      const detail = `agencies did not continue:\n${lottery.cluster.tail()}\n${nodes.tail()}`;
      const diverged = await compareReplicas(nodes, await this.betStreams());
      return [...await lottery.judge(), ...diverged, { kind: "unfinished", detail }];
    }
    return [...await lottery.finish(), ...await compareReplicas(nodes, await this.betStreams())];
  }

  /** Waits until every agency has stored some batches from now on. Returns whether they have in time. */
  async #continues(): Promise<boolean> {
    const { history, agencies } = this.lottery;
    const sinceMs = performance.now();
    const isDone = (agency: number) => history.storedSince(agency, sinceMs) >= BATCHES_AFTER;
    while (!agencies.every((_, index) => isDone(index + 1))) {
      if (performance.now() - sinceMs > this.#continueMs) {
        this.#isStuck = true;
        return false;
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return true;
  }

  /** No server may end because nodes are away. */
  #deadServers(): Fault[] {
    return this.lottery.cluster.processes
      .filter((process) => process.count(/ CRITICAL .*action: ledger \| result: fail/) > 0)
      .map((process) => ({ kind: "bad exit", detail: process.failure("gave up").message }));
  }

  #crashedNodes(): Fault[] {
    return this.nodes.crashes.map((detail) => ({ kind: "bad exit", detail: `ended: ${detail}` }));
  }
}

/** Returns the options of a cluster with a node on each host. */
function clusterOn(hosts: Hosts): NatsClusterOptions {
  return {
    hostnames: hosts.hosts.map(({ nodesIp }) => nodesIp),
    adapt: (program, index) => hosts.on(hosts.hosts[index], program),
  };
}

/** Returns the median, rounded; 0 of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const value = sorted.length % 2 === 1
    ? sorted[middle]
    : (sorted[middle - 1] + sorted[middle]) / 2;
  return sorted.length === 0 ? 0 : Math.round(value);
}
