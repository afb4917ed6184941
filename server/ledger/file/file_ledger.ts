/**
 * The ledger on files of a shared volume, written by any number of servers on one host at once.
 *
 * @module
 */

import type { ActionLog } from "../../../shared/logging.ts";
import type { BetBatch } from "../../../shared/mod.ts";
import { LedgerFigures } from "../figures.ts";
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
import { LAST_DAY } from "../bet_row.ts";
import { messageOf } from "./admission.ts";
import { Appends } from "./appends.ts";
import { BetsFile, type LockedBets } from "./bets_file.ts";
import { ClosedAgencies } from "./closed_agencies.ts";
import type { Disk } from "../disk.ts";
import { assertNoDiskFailure, noteDiskFailure } from "./disk_failure.ts";
import type { ChangeSignal } from "./draw_signal.ts";
import { FatalLedgerError, SyncFailedError } from "../fatal_error.ts";
import type { HandoverNetwork } from "./handover/channel.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Membership } from "./membership.ts";
import { SerialQueue } from "./serial_queue.ts";
import { StoredQueries } from "./stored_queries.ts";
import { drawOf, Tally } from "../tally.ts";
import { CLOSED_FILE } from "./volume_files.ts";

/** Size of a redo log: several times the largest usual round. */
const LOG_BYTES = 8 * 1024 * 1024;
/** When so few agencies have yet to close, each close makes bets.csv durable: the draw is near. */
const OPEN_AGENCIES_NEAR = 10;
/** How often rows of other servers are counted, so that a draw finds little left to do. */
const FOLLOW_MS = 50;

/** Options of {@linkcode openFileLedger}. */
export interface FileLedgerOptions {
  /** AGENCIES_AMOUNT. */
  agencies: number;
  winningNumber: number;
  log: ActionLog;
  /** Notifies the other servers, and receives their notifications. The ledger disposes of it. @default {none} */
  signal?: ChangeSignal;
  /** How often to look for the draw, in case a datagram was lost. Milliseconds. @default {1000} */
  pollMs?: number;
  /**
   * How often to try whether bets could be stored, for {@linkcode FileLedger.readiness}. Milliseconds.
   * @default {never}
   */
  heartbeatMs?: number;
  /** Size of the redo log of this server. @default {8 MiB} */
  logBytes?: number;
  /** How to reach the server that writes for all. @default {each server writes for itself} */
  handover?: HandoverNetwork;
  /** A monotonic clock, in milliseconds. @default {performance.now} */
  now?: () => number;
}

/**
 * Opens the ledger on a disk: creates missing files, recovers from interrupted writes, and reads all rows
 * once.
 *
 * @throws {DamagedRowError} If a row of bets.csv is invalid.
 */
export async function openFileLedger(
  disk: Disk,
  options: FileLedgerOptions,
): Promise<FileLedger> {
  assertNoDiskFailure(disk);
  const ledger = new FileLedger(disk, options);
  try {
    await ledger.open();
    return ledger;
  } catch (error) {
    await ledger.abandon();
    throw error;
  }
}

/** The ledger on the files of one volume. */
export class FileLedger implements Ledger {
  readonly notation = "rows";
  readonly failed: Promise<Error>;
  readonly figures = new LedgerFigures();
  readonly #options: FileLedgerOptions;
  readonly #disk: Disk;
  readonly #bets: BetsFile;
  readonly #stored: StoredQueries;
  readonly #member: Membership;
  readonly #closed: ClosedAgencies;
  readonly #queue = new SerialQueue();
  readonly #appends: Appends;
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  #identity: LotteryIdentity | undefined;
  #heartbeat: Heartbeat | undefined;
  #draw: Draw | undefined;
  #isFollowing = false;
  #disposal: Promise<void> | undefined;
  #listener: () => void = () => {};
  #failure: Error | undefined;
  readonly #onFailure: (error: Error) => void;

  /** Use {@linkcode openFileLedger}. */
  constructor(disk: Disk, options: FileLedgerOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<Error>();
    this.failed = promise;
    this.#onFailure = resolve;
    const { agencies, winningNumber, log, logBytes = LOG_BYTES } = options;
    const onFatal = (error: FatalLedgerError) => this.#fail(error);
    const { figures } = this;
    const rules = { agencies, today: LAST_DAY };
    this.#disk = disk;
    this.#member = new Membership(disk, {
      settings: options,
      rules,
      log,
      onFatal,
      figures,
      logBytes,
      knownRows: () => this.#bets.known,
    });
    this.#bets = new BetsFile(disk, {
      tally: new Tally(winningNumber),
      rules,
      log,
      onFatal,
      figures,
      knownSize: () => this.#member.knownSize,
      isRecorded: (from) => this.#member.isRecorded(from),
    });
    this.#stored = new StoredQueries(this.#bets, {
      inTurn: (work) => this.#guarded(work),
      cover: (size) => this.#cover(size),
    });
    this.#closed = new ClosedAgencies(disk.open(CLOSED_FILE), { log, onFatal });
    this.#appends = new Appends({
      ...options,
      disk,
      bets: this.#bets,
      closed: this.#closed,
      figures,
      queue: this.#queue,
      commit: (from, rows) => this.#member.commit(from, rows),
      failure: () => this.#failure,
      onFatal: (error) => this.#fail(error),
    });
    disk.syncFolder();
  }

  append(batch: BetBatch, expectedBets?: number): Promise<AppendResult> {
    return this.#appends.append(batch, expectedBets);
  }

  async close(agency: number): Promise<CloseResult> {
    try {
      const { repeated, isComplete } = await this.#guarded(() =>
        this.#bets.exclusively(async () => {
          const repeated = this.#closed.agencies(this.#bets.mark).has(agency);
          if (!repeated) this.#coverAhead();
          this.#bets.markClosed(await this.#closed.add(agency, this.#bets.mark));
          return { repeated, isComplete: this.#isComplete() };
        })
      );
      if (isComplete && !repeated) await this.#options.signal?.send();
      if (isComplete) this.#listener();
      return { status: "closed", repeated };
    } catch (error) {
      return { status: "unknown", reason: messageOf(error) };
    }
  }

  async progress(agency: number): Promise<ProgressResult> {
    try {
      return { status: "known", bets: await this.#stored.count(agency) };
    } catch (error) {
      return { status: "unknown", reason: messageOf(error) };
    }
  }

  async digest(agency: number): Promise<DigestResult> {
    try {
      return { status: "known", ...await this.#stored.digest(agency) };
    } catch (error) {
      return { status: "unknown", reason: messageOf(error) };
    }
  }

  async draw(): Promise<Draw | undefined> {
    if (this.#draw === undefined && this.#isComplete()) {
      // Winners are named only from rows that a power cut cannot take away.
      await this.settle();
      this.#draw = drawOf(this.#bets.winners());
    }
    return this.#draw;
  }

  get identity(): LotteryIdentity {
    if (this.#identity === undefined) throw new Error("the ledger is not open yet");
    return this.#identity;
  }

  seen(): AgencySeen[] {
    return Array.from({ length: this.#options.agencies }, (_, index) => ({
      bets: this.#bets.count(index + 1),
      isClosed: this.#closed.seen.has(index + 1),
    }));
  }

  readiness(): Readiness {
    if (this.#failure !== undefined) return { isReady: false, reason: this.#failure.message };
    if (this.#disposal !== undefined) return { isReady: false, reason: "the ledger is closed" };
    return this.#heartbeat?.readiness() ?? { isReady: true };
  }

  /** Watching begins with the listener: a ledger without one has nobody to notify. */
  onChange(listener: () => void): void {
    const { signal, pollMs = 1000, heartbeatMs: everyMs } = this.#options;
    this.#listener = listener;
    if (everyMs !== undefined) this.#heartbeat ??= this.#startHeartbeat(everyMs);
    signal?.onSignal(listener);
    this.#timers.push(
      setInterval(() => void this.follow(), FOLLOW_MS),
      setInterval(() => this.#poll(), pollMs),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#disposal ??= this.#dispose();
  }

  #startHeartbeat(everyMs: number): Heartbeat {
    const locked = (work: () => void) => this.#guarded(() => this.#bets.locked(work));
    return new Heartbeat({ everyMs, disk: this.#disk, locked });
  }

  async #dispose(): Promise<void> {
    this.#heartbeat?.[Symbol.dispose]();
    for (const timer of this.#timers) clearInterval(timer);
    await this.#appends.leave();
    await this.#options.signal?.[Symbol.asyncDispose]();
    await this.#stored.idle();
    await this.#queue.run(async () => {
      // The next server recovers what cannot be finished here.
      if (this.#failure === undefined) {
        await this.#member.leave(this.#bets).catch((error) => this.#failIfFatal(error));
      }
      await this.#member.idle();
      this.closeFiles();
    });
  }

  /** Ends a ledger that could not be opened, without reading its rows: one of them may be damaged. */
  async abandon(): Promise<void> {
    if (!(this.#failure instanceof SyncFailedError)) {
      const leave = () => this.#bets.locked(({ bets }) => this.#member.leaveUnread(bets));
      await this.#queue.run(leave).catch(() => {});
    }
    await this.#member.idle();
    this.closeFiles();
  }

  /** Closes all files, which releases their locks. */
  closeFiles(): void {
    this.#bets.close();
    this.#closed.close();
    this.#member.close();
    this.#heartbeat?.close();
  }

  /** Enters the volume, reads it, and claims it for this lottery. */
  async open(): Promise<void> {
    await this.#guarded(() => this.#bets.locked((files) => this.#enter(files)));
    await this.#guarded(() => this.#countAll());
    this.#identity = await this.#guarded(() => this.#bets.locked(() => this.#member.claim()));
    await this.settle();
    await this.#guarded(() => this.#member.activate(this.#bets));
    this.#appends.share(this.#identity.id);
  }

  async #enter(files: LockedBets): Promise<void> {
    this.#closed.agencies(this.#bets.mark);
    this.#bets.begin(await this.#member.enter(files));
  }

  /** Counts every row, and makes all rows and closes durable. */
  async settle(): Promise<void> {
    await this.#guarded(async () => {
      await this.#countAll();
      await this.#member.cover(this.#bets.foreignSize);
      await this.#closed.settle(this.#bets.mark);
    });
  }

  async #countAll(): Promise<void> {
    await this.#bets.follow();
    await this.#bets.exclusively(() => {});
  }

  /**
   * Begins to make all bets durable in bets.csv when few agencies are left: the other servers need that for the
   * draw, and then find it done. The lock of bets.csv is held.
   */
  #coverAhead(): void {
    if (this.#options.agencies - this.#closed.seen.size > OPEN_AGENCIES_NEAR) return;
    // A failure ends the ledger, and nobody waits for this.
    void this.#cover(this.#bets.size).catch(() => {});
  }

  /** Makes bets.csv durable up to the end of a round. */
  async #cover(size: number): Promise<void> {
    try {
      await this.#member.cover(size);
    } catch (error) {
      this.#failIfFatal(error);
      throw error;
    }
  }

  /**
   * Counts what other servers have stored, so that little is left to count when it is needed. Never throws. One
   * call runs at a time, as it may have to wait for the lock.
   */
  async follow(): Promise<void> {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    try {
      await this.#guarded(() => this.#bets.follow());
    } catch {
      // A fatal error has been reported by then; any other one returns when the rows are needed.
    } finally {
      this.#isFollowing = false;
    }
  }

  #isComplete(): boolean {
    return this.#closed.hasAll(this.#options.agencies, this.#bets.mark);
  }

  #poll(): void {
    if (this.#draw === undefined && this.#mayBeComplete()) this.#listener();
  }

  /** A file that cannot be read may be complete: draw() then reports the error. */
  #mayBeComplete(): boolean {
    try {
      return this.#isComplete();
    } catch {
      return true;
    }
  }

  /** Runs work in turn with the rounds. What leaves the files in doubt ends the ledger. */
  #guarded<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#queue.run(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      try {
        return await work();
      } catch (error) {
        this.#failIfFatal(error);
        throw error;
      }
    });
  }

  /** Ends the ledger after an error that it cannot survive. A full disk is not fatal: somebody can make room. */
  #failIfFatal(error: unknown): void {
    if (error instanceof FatalLedgerError) this.#fail(error);
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = error instanceof Error ? error : new Error(String(error));
    if (error instanceof SyncFailedError) noteDiskFailure(this.#disk, error);
    // Others write from now on.
    void this.#appends.leave();
    this.#onFailure(this.#failure);
  }
}
