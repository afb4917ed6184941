/**
 * The ledger on a replicated log: appends of an agency follow one another in its {@linkcode AgencyLog}, those
 * of different agencies run at once, and a {@linkcode Follower} counts what all servers have stored.
 *
 * @module
 */

import type { BetBatch } from "../../../shared/mod.ts";
import { LedgerFigures, microseconds } from "../figures.ts";
import type {
  AgencySeen,
  AppendResult,
  CloseResult,
  DigestResult,
  Draw,
  Ledger,
  LotteryIdentity,
  ProgressResult,
  Readiness,
} from "../ledger.ts";
import { drawOf } from "../tally.ts";
import { AgencyLog } from "./agency_log.ts";
import { Follower } from "./follower.ts";
import { Patience } from "./patience.ts";
import type { ReplicatedLog, StoredMessage } from "./replicated_log.ts";
import { Turns } from "./turns.ts";

/** Clients wait ten seconds for an answer, and a cluster needs up to nine for an election. */
const DEADLINE_MS = 9000;
const PAUSE_MS = 100;
/**
 * How many messages of one partition a server sends at once. Further ones wait in the server: what the leader cannot
 * store soon would only be sent again.
 */
const PUBLISHES_AT_ONCE = 32;
/** How long disposing waits for calls that have no answer yet. */
const DISPOSAL_MS = 1000;

/** Options of {@linkcode ReplicatedLedger}. */
export interface ReplicatedLedgerOptions extends LotteryIdentity {
  /** Longest time of a call, after which its outcome is unknown. Milliseconds. @default {9000} */
  deadlineMs?: number;
  /** Pause between attempts that failed at once, in milliseconds. @default {100} */
  pauseMs?: number;
  /** A monotonic clock, in milliseconds. @default {performance.now} */
  now?: () => number;
  /** How many partitions the log has. @default {1} */
  partitions?: number;
  /** How many messages of a partition may be on their way at once. @default {32} */
  publishesAtOnce?: number;
}

/** The ledger of one server on a replicated log. */
export class ReplicatedLedger implements Ledger {
  readonly notation = "rows";
  readonly identity: LotteryIdentity;
  readonly figures = new LedgerFigures();
  readonly failed: Promise<Error>;
  readonly #agencies: number;
  readonly #log: ReplicatedLog;
  readonly #patience: Patience;
  readonly #logs = new Map<number, AgencyLog>();
  /** By partition: agencies of a partition without a leader must not keep out the others. */
  readonly #turns: readonly Turns[];
  readonly #follower: Follower;
  readonly #following: AsyncDisposable;
  readonly #ended = Promise.withResolvers<undefined>();
  readonly #onFailure: (error: Error) => void;
  #draw: Draw | undefined;
  #listener: () => void = () => {};
  #failure: Error | undefined;
  #disposal: Promise<void> | undefined;

  /** Serves immediately, whatever the log holds. The ledger disposes of the log. */
  constructor(log: ReplicatedLog, options: ReplicatedLedgerOptions) {
    const { deadlineMs = DEADLINE_MS, pauseMs = PAUSE_MS, now = () => performance.now() } = options;
    const { promise, resolve } = Promise.withResolvers<Error>();
    this.failed = promise;
    this.#onFailure = resolve;
    const { id, agencies, winningNumber, createdAt } = options;
    this.identity = { id, agencies, winningNumber, createdAt };
    this.#agencies = agencies;
    this.#log = log;
    this.#patience = new Patience({ deadlineMs, pauseMs, now });
    const { partitions = 1, publishesAtOnce = PUBLISHES_AT_ONCE } = options;
    this.#turns = Array.from({ length: partitions }, () => new Turns(publishesAtOnce));
    this.#follower = new Follower(options);
    this.#following = log.follow((messages) => this.#take(messages));
    log.failed.then((error) => this.#fail(error));
  }

  async append(batch: BetBatch, expectedBets?: number): Promise<AppendResult> {
    const { agency, count, bytes: rows } = batch;
    const arrived = microseconds();
    const result = this.#refusal() ??
      await this.#of(agency).append({ rows, count, expectedBets });
    // Each batch is a message of its own. Those that are refused were counted with their reason.
    if (result.status !== "refused") this.figures.countRound([{ batch, arrived }], result.status);
    return result;
  }

  async close(agency: number): Promise<CloseResult> {
    return this.#refusal() ?? await this.#of(agency).close();
  }

  async progress(agency: number): Promise<ProgressResult> {
    return this.#refusal() ?? await this.#of(agency).progress();
  }

  async digest(agency: number): Promise<DigestResult> {
    const endsAt = this.#patience.endsAt();
    const progress = await this.progress(agency);
    if (progress.status === "unknown") return progress;
    const counted = this.#follower.hasCounted(agency, progress.bets).then(() => true);
    if (await this.#patience.until(endsAt, Promise.race([counted, this.#ended.promise]))) {
      return { status: "known", ...this.#follower.digest(agency) };
    }
    const reason = `agency ${agency}: its ${progress.bets} bets have not all been read yet`;
    return { status: "unknown", reason };
  }

  async draw(): Promise<Draw | undefined> {
    if (this.#draw !== undefined) return this.#draw;
    if (!await this.#isClosed()) return undefined;
    await Promise.race([this.#follower.isDone(), this.#ended.promise]);
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#follower.isComplete) return undefined;
    return this.#draw ??= drawOf(this.#follower.winners());
  }

  seen(): AgencySeen[] {
    return Array.from({ length: this.#agencies }, (_, index) => {
      const agency = index + 1;
      return {
        bets: Math.max(this.#follower.count(agency), this.#logs.get(agency)?.bets ?? 0),
        isClosed: this.#follower.isClosed(agency),
      };
    });
  }

  readiness(): Readiness {
    const refusal = this.#refusal();
    if (refusal !== undefined) return { isReady: false, reason: refusal.reason };
    if (this.#log.isAvailable) return { isReady: true };
    return { isReady: false, reason: "the cluster of the ledger is away, or does not answer" };
  }

  onChange(listener: () => void): void {
    this.#listener = listener;
    if (this.#follower.isComplete) listener();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#disposal ??= this.#dispose();
  }

  async #dispose(): Promise<void> {
    this.#patience.shorten(DISPOSAL_MS);
    await Promise.all(Array.from(this.#logs.values(), (log) => log.idle()));
    this.#ended.resolve(undefined);
    await Promise.all([
      this.#following[Symbol.asyncDispose](),
      this.#log[Symbol.asyncDispose](),
    ]);
  }

  #of(agency: number): AgencyLog {
    let log = this.#logs.get(agency);
    if (log === undefined) {
      const turns = this.#turns[agency % this.#turns.length];
      const options = { log: this.#log, patience: this.#patience, figures: this.figures, turns };
      this.#logs.set(agency, log = new AgencyLog(agency, options));
    }
    return log;
  }

  /** The answer to a call that comes too late. */
  #refusal(): { status: "unknown"; reason: string } | undefined {
    if (this.#failure !== undefined) return { status: "unknown", reason: this.#failure.message };
    if (this.#disposal !== undefined) return { status: "unknown", reason: "the server is ending" };
  }

  /**
   * Whether every agency has closed. The follower may not have read the last closes yet, so the agencies that it
   * considers open are looked up, up to the first that is open.
   */
  async #isClosed(): Promise<boolean> {
    for (let agency = 1; agency <= this.#agencies; agency++) {
      if (!this.#follower.isClosed(agency) && !await this.#isLastClose(agency)) return false;
    }
    return true;
  }

  /** @throws If that cannot be read. The follower goes on when the log is there again, and reports the last close. */
  async #isLastClose(agency: number): Promise<boolean> {
    try {
      return (await this.#log.last(agency))?.kind === "close";
    } catch (cause) {
      throw new Error(
        `Cannot read whether agency ${agency} has closed: ${
          (cause as Error).message
        }. The draw is done as ` +
          "soon as the cluster answers",
        { cause },
      );
    }
  }

  #take(messages: readonly StoredMessage[]): void {
    if (this.#failure !== undefined) return;
    try {
      this.#follower.take(messages);
    } catch (error) {
      return this.#fail(error as Error);
    }
    for (const message of messages) this.#logs.get(message.agency)?.learn(message);
    if (this.#follower.isComplete) this.#listener();
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#ended.resolve(undefined);
    this.#onFailure(error);
  }
}
