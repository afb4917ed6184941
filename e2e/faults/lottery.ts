/**
 * A whole lottery under test: servers, agencies that write everything down, and a verdict at the end.
 *
 * @module
 */

import { check, type Evidence, type Fault } from "./checker.ts";
import { History } from "./history.ts";
import { type Address, LineConnection } from "./line_connection.ts";
import { within } from "./counter.ts";
import type { LoopDisk } from "./loop_disk.ts";
import { Random } from "./random.ts";
import { askWinners, type ProgressHabit, RecordingAgency } from "./recording_agency.ts";
import { Cluster, type ClusterOptions } from "./supervisor.ts";

/** A kill that comes as an answer to an acknowledgement finds the server at rest, if it is not put off. */
const JITTER_MS_MAX = 3;

/** Options of {@linkcode Lottery.start}. */
export interface LotteryOptions extends ClusterOptions {
  seed: number;
  /** Most bets of a batch. @default {120} */
  batchBetsMax?: number;
  /** How long an agency waits for an answer. @default {2000} */
  answerMs?: number;
  /** Where an agency connects to. @default {any server, by chance} */
  address?: (cluster: Cluster, random: Random, agency: number) => Address;
  /** @default {"asks"} */
  progress?: ProgressHabit;
  /** How long the agencies may take to close and learn their winners. @default {60_000} */
  endPatienceMs?: number;
}

/** Servers and agencies. */
export class Lottery implements AsyncDisposable {
  readonly cluster: Cluster;
  readonly history: History = new History();
  /** For the schedule; agencies have their own. */
  readonly random: Random;
  readonly agencies: RecordingAgency[] = [];
  readonly #runs: Promise<void>[];
  readonly #endPatienceMs: number;
  #isComplete = false;

  private constructor(cluster: Cluster, options: LotteryOptions) {
    this.cluster = cluster;
    this.random = new Random(options.seed);
    const { batchBetsMax = 120, answerMs = 2000, progress, endPatienceMs = 60_000 } = options;
    this.#endPatienceMs = endPatienceMs;
    const address = options.address ??
      ((cluster: Cluster, random: Random) => random.pick(cluster.servers).address);
    for (let agency = 1; agency <= options.agencies; agency++) {
      const random = this.random.fork();
      const addresses = this.random.fork();
      this.agencies.push(
        new RecordingAgency({
          agency,
          history: this.history,
          random,
          address: () => address(cluster, addresses, agency),
          answerMs,
          batchBetsMax,
          fileSize: () => cluster.betsSize(),
          progress,
        }),
      );
    }
    this.#runs = this.agencies.map((agency) => agency.run());
  }

  /** Starts servers and agencies. No bet is sent before {@linkcode grant}. */
  static async start(options: LotteryOptions): Promise<Lottery> {
    return new Lottery(await Cluster.start(options), options);
  }

  /** Allows each agency `batches` more batches. */
  grant(batches: number): void {
    for (const { allowance } of this.agencies) allowance.grant(batches);
  }

  /** Waits until `batches` more are acknowledged. */
  async acknowledged(batches: number): Promise<void> {
    try {
      await this.history.stored.more(batches, "an acknowledged batch");
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.cluster.tail()}`);
    }
  }

  /** Lets a moment of the schedule's choice pass. */
  jitter(): Promise<void> {
    const delayMs = this.random.next() * JITTER_MS_MAX;
    return new Promise((resolve) => setTimeout(resolve, delayMs));
  }

  /** Lets all agencies close and learn their winners; returns whether they came to their end. */
  async end(): Promise<boolean> {
    await this.cluster.startAll();
    for (const { allowance } of this.agencies) allowance.end();
    const ended = Promise.all(this.#runs).then(() => true);
    return this.#isComplete = await within(ended, this.#endPatienceMs) ?? false;
  }

  /** Lets all agencies end, asks each server for all winners as well, and judges. */
  async finish(): Promise<Fault[]> {
    if (!this.#isComplete && !await this.end()) return this.#unfinished();
    // One that died at a close is needed again.
    await this.cluster.startAll();
    await this.#askEveryServer();
    return this.verdict();
  }

  /** Judges what there is now. */
  verdict(): Fault[] {
    return check(this.evidence()).concat(this.#repeatedDraws());
  }

  /** What there is to judge now. */
  evidence(): Evidence {
    const { cluster, history, agencies } = this;
    return {
      agencies: agencies.length,
      events: history.events,
      bets: cluster.readBets(),
      closed: cluster.readClosed(),
      isComplete: this.#isComplete,
    };
  }

  /** Ends the connections of all agencies; they make others. */
  hangUp(): void {
    for (const agency of this.agencies) agency.hangUp();
  }

  /**
   * Cuts the power of all servers and of the disk that they share; they start again on what is left.
   *
   * @param options `isTold`: whether the checker learns of it. For a control. @default {true}
   */
  async cutPower(disk: LoopDisk, { isTold = true } = {}): Promise<void> {
    const { cluster, history } = this;
    // Nothing that is not on the disk now will ever be, and nothing is acknowledged from here on.
    for (const { process } of cluster.servers) process.signal("SIGSTOP");
    if (isTold) history.add({ type: "power cut" });
    disk.copy();
    for (const { process } of cluster.servers) await process.kill();
    await disk.restoreCopy();
    // What was answered before the power went has been read by now, or goes with its connection.
    this.hangUp();
    // What was read a moment ago is in the history when this turn of the event loop is over.
    await new Promise((resolve) => setTimeout(resolve));
    if (isTold) history.add({ type: "power back", fileSize: cluster.betsSize() });
    await cluster.startAll();
  }

  /** Ends agencies and servers. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const agency of this.agencies) agency.abort();
    await this.cluster[Symbol.asyncDispose]();
    await Promise.all(this.#runs);
  }

  #unfinished(): Fault[] {
    const detail = `agencies did not come to their end in ${this.#endPatienceMs / 1000} seconds:\n`;
    return [
      ...this.verdict(),
      { kind: "unfinished", detail: detail + this.cluster.tail() },
    ];
  }

  /** All servers must name the same winners. Behind a shared port it is one of them that answers. */
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
      .map(({ pid }) => ({ kind: "doubled", detail: `server process ${pid} logged two draws` }));
  }
}
