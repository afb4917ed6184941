/**
 * A whole lottery under test: servers, agencies that record everything, and a verdict at the end.
 *
 * @module
 */

import { LineConnection } from "../../testing/line_connection.ts";
import type { Address } from "../../testing/ports.ts";
import { Random } from "../../testing/random.ts";
import { check, type Evidence } from "./checker.ts";
import { inTime } from "./counter.ts";
import type { Fault } from "./fault.ts";
import { FaultCluster, type FaultClusterOptions } from "./fault_cluster.ts";
import { History } from "./history.ts";
import type { LoopDisk } from "./loop_disk.ts";
import { askWinners, type ProgressHabit, RecordingAgency } from "./recording_agency.ts";

/** A kill right after an acknowledgement finds the server idle, unless it is delayed. */
const JITTER_MS_MAX = 3;

/** Options of {@linkcode Lottery.start}. */
export interface LotteryOptions extends FaultClusterOptions {
  seed: number;
  /** Fewest bets of a batch. @default {1} */
  batchBetsMin?: number;
  /** Most bets of a batch. @default {120} */
  batchBetsMax?: number;
  /** Pause of an agency after each acknowledged batch, in milliseconds. @default {0} */
  pauseMs?: number;
  /** How long an agency waits for an answer. @default {2000} */
  answerMs?: number;
  /** Chooses where an agency connects to. @default {any server, at random} */
  address?: (cluster: FaultCluster, random: Random) => Address;
  /** @default {"asks"} */
  progress?: ProgressHabit;
  /** How long the agencies may take to close and learn their winners. @default {60_000} */
  endTimeoutMs?: number;
}

/** Servers and agencies. */
export class Lottery implements AsyncDisposable {
  readonly cluster: FaultCluster;
  readonly history: History = new History();
  /** For the schedule; agencies have generators of their own. */
  readonly random: Random;
  readonly agencies: RecordingAgency[] = [];
  readonly #runs: Promise<void>[];
  readonly #endTimeoutMs: number;
  #isComplete = false;

  private constructor(cluster: FaultCluster, options: LotteryOptions) {
    this.cluster = cluster;
    this.random = new Random(options.seed);
    const {
      batchBetsMin = 1,
      batchBetsMax = 120,
      answerMs = 2000,
      progress,
      endTimeoutMs = 60_000,
    } = options;
    this.#endTimeoutMs = endTimeoutMs;
    const address = options.address ??
      ((cluster: FaultCluster, random: Random) => random.pick(cluster.servers).address);
    for (let agency = 1; agency <= options.agencies; agency++) {
      const random = this.random.fork();
      const addresses = this.random.fork();
      this.agencies.push(
        new RecordingAgency({
          agency,
          history: this.history,
          random,
          address: () => address(cluster, addresses),
          answerMs,
          batchBetsMin,
          batchBetsMax,
          pauseMs: options.pauseMs,
          fileSize: () => cluster.betsSize(),
          progress,
        }),
      );
    }
    this.#runs = this.agencies.map((agency) => agency.run());
  }

  /** Starts servers and agencies. No bet is sent before {@linkcode grant}. */
  static async start(options: LotteryOptions): Promise<Lottery> {
    return new Lottery(await FaultCluster.start(options), options);
  }

  /** Allows each agency `batches` more batches. */
  grant(batches: number): void {
    for (const { allowance } of this.agencies) allowance.grant(batches);
  }

  /** Allows the agencies no more batches until the next grant. */
  hold(): void {
    for (const { allowance } of this.agencies) allowance.hold();
  }

  /** Waits until `batches` more are acknowledged. */
  async acknowledged(batches: number): Promise<void> {
    try {
      await this.history.stored.more(batches, "an acknowledged batch");
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.cluster.tail()}`);
    }
  }

  /** Waits for a random moment of up to 3 ms. */
  jitter(): Promise<void> {
    const delayMs = this.random.next() * JITTER_MS_MAX;
    return new Promise((resolve) => setTimeout(resolve, delayMs));
  }

  /** Lets all agencies close and learn their winners. Returns whether all did in time. */
  async end(): Promise<boolean> {
    await this.cluster.startAll();
    for (const { allowance } of this.agencies) allowance.end();
    return this.#isComplete = await inTime(Promise.all(this.#runs), this.#endTimeoutMs);
  }

  /** Lets all agencies end, asks each server for all winners as well, and judges. */
  async finish(): Promise<Fault[]> {
    if (!this.#isComplete && !await this.end()) return await this.#unfinished();
    // A server that died at a close is needed again.
    await this.cluster.startAll();
    await this.#askEveryServer();
    return await this.judge();
  }

  /** Judges what has happened so far. */
  async judge(): Promise<Fault[]> {
    return check(await this.evidence()).concat(this.#repeatedDraws());
  }

  /** Returns the evidence so far. */
  async evidence(): Promise<Evidence> {
    const { cluster, history, agencies } = this;
    return {
      agencies: agencies.length,
      events: history.events,
      ...await cluster.stored(),
      isComplete: this.#isComplete,
    };
  }

  /** Closes the connections of all agencies, which then connect again. */
  hangUp(): void {
    for (const agency of this.agencies) agency.hangUp();
  }

  /**
   * Cuts the power of all servers and of the disk that they share, then restarts them on what is
   * left.
   */
  async cutPower(disk: LoopDisk): Promise<void> {
    const { cluster } = this;
    // What is not on the disk now never will be, and nothing is acknowledged from here on.
    for (const { process } of cluster.servers) process.signal("SIGSTOP");
    disk.copy();
    await cluster.kill();
    await disk.restoreCopy();
    // Answers from before the cut were read by now, or are lost with their connection.
    this.hangUp();
    // The history has the answers that were just read once this turn of the event loop is over.
    await new Promise((resolve) => setTimeout(resolve));
    await cluster.startAll();
  }

  /** Ends agencies and servers. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const agency of this.agencies) agency.abort();
    await this.cluster[Symbol.asyncDispose]();
    await Promise.all(this.#runs);
  }

  async #unfinished(): Promise<Fault[]> {
    const detail = `agencies did not finish within ${this.#endTimeoutMs / 1000} seconds:\n`;
    return [
      ...await this.judge(),
      { kind: "unfinished", detail: detail + this.cluster.tail() },
    ];
  }

  /**
   * Asks every server, because all must name the same winners. On a shared port, any of them
   * answers.
   */
  async #askEveryServer(): Promise<void> {
    for (const { address, name } of this.cluster.servers) {
      for (let agency = 1; agency <= this.agencies.length; agency++) {
        using connection = await LineConnection.open(address);
        await askWinners({ agency, history: this.history, server: name, connection });
      }
    }
  }

  #repeatedDraws(): Fault[] {
    return this.cluster.processes
      .filter((process) => process.count(/action: sorteo \| result: success/) > 1)
      .map(({ pid }) => ({ kind: "duplicate", detail: `server process ${pid} logged two draws` }));
  }
}
