/**
 * The ledger on two files of a shared volume, written by any number of servers at once.
 *
 * Batches that wait at the same time share one round: one turn of the lock, one write, one sync. A round
 * takes what is waiting and never waits for more. An answer is given when its round is on stable storage.
 *
 * @module
 */

import { ByteBuffer } from "../../../shared/bytes.ts";
import type { ActionLog } from "../../../shared/logging.ts";
import type { BetBatch } from "../../../shared/packets.ts";
import { BetsFile } from "./bets_file.ts";
import { ClosedAgencies } from "./closed_agencies.ts";
import type { Disk } from "./disk.ts";
import { SerialQueue, turnEnd } from "./serial_queue.ts";
import { type AppendResult, type CloseResult, type Ledger, LedgerError } from "../ledger.ts";
import { RoundJournal } from "./round_journal.ts";
import { DamagedRowError, Tally } from "./tally.ts";
import { BETS_FILE, CLOSED_FILE, JOURNAL_FILE } from "./volume_files.ts";

/** Options of {@linkcode openFileLedger}. */
export interface FileLedgerOptions {
  /** AGENCIES_AMOUNT. */
  agencies: number;
  winningNumber: number;
  log: ActionLog;
  /** Told once when the ledger can keep its promises no more; it refuses everything from then on. */
  onFailure: (error: Error) => void;
}

/** A batch that waits for its round. */
interface Waiting {
  agency: number;
  expectedBets: number | undefined;
  rows: number;
  /** Its rows' place in the round. */
  from: number;
  to: number;
  resolve: (result: AppendResult) => void;
  reject: (error: Error) => void;
}

/** Those who want to know what is stored, and share one turn. */
interface Asking {
  agencies: Set<number>;
  /** Bets that are stored for good, of each of those agencies. */
  counts: Promise<Map<number, number>>;
}

/** Batches that share one append. */
interface RoundInHand {
  rows: ByteBuffer;
  batches: Waiting[];
}

/**
 * Opens the ledger on a disk: makes its files if they are missing, repairs them, and reads them once.
 *
 * @throws {DamagedRowError} If bets.csv has a row that is no bet.
 */
export async function openFileLedger(disk: Disk, options: FileLedgerOptions): Promise<Ledger> {
  const ledger = new FileLedger(disk, options);
  await ledger.settle();
  return ledger;
}

class FileLedger implements Ledger {
  readonly #options: FileLedgerOptions;
  readonly #tally: Tally;
  readonly #bets: BetsFile;
  readonly #closed: ClosedAgencies;
  readonly #queue = new SerialQueue();
  /** Filled by append() while the other one is written. */
  #next: RoundInHand = { rows: new ByteBuffer(64 * 1024), batches: [] };
  #spare: RoundInHand = { rows: new ByteBuffer(64 * 1024), batches: [] };
  #asking: Asking | undefined;
  #failure: Error | undefined;

  constructor(disk: Disk, options: FileLedgerOptions) {
    this.#options = options;
    this.#tally = new Tally(options.winningNumber);
    const journal = new RoundJournal(disk.open(JOURNAL_FILE));
    const { log } = options;
    this.#bets = new BetsFile(disk.open(BETS_FILE), journal, { tally: this.#tally, log });
    this.#closed = new ClosedAgencies(disk.open(CLOSED_FILE));
    disk.syncFolder();
  }

  append(batch: BetBatch, expectedBets?: number): Promise<AppendResult> {
    if (this.#failure !== undefined) return Promise.resolve(refusedBecause(this.#failure));
    const { rows, batches } = this.#next;
    const from = rows.length;
    rows.write(batch.rows);
    const { agency, count } = batch;
    const { promise, resolve, reject } = Promise.withResolvers<AppendResult>();
    const place = { from, to: rows.length };
    batches.push({ agency, expectedBets, rows: count, ...place, resolve, reject });
    if (batches.length === 1) this.#queue.run(() => this.#runRound());
    return promise;
  }

  close(agency: number): Promise<CloseResult> {
    return this.#guarded(() =>
      this.#bets.exclusively(async () => {
        const repeated = this.#closed.agencies().has(agency);
        await this.#closed.add(agency);
        return { repeated, complete: this.isComplete() };
      })
    );
  }

  isComplete(): boolean {
    const closed = this.#closed.agencies();
    if (closed.size < this.#options.agencies) return false;
    for (let agency = 1; agency <= this.#options.agencies; agency++) {
      if (!closed.has(agency)) return false;
    }
    return true;
  }

  async stored(agency: number): Promise<number> {
    const asking = this.#asking ??= this.#startAsking();
    asking.agencies.add(agency);
    const counts = await asking.counts;
    return counts.get(agency)!;
  }

  follow(): Promise<void> {
    return this.#guarded(() => this.#bets.follow());
  }

  settle(): Promise<void> {
    return this.#guarded(async () => {
      await this.#bets.follow();
      await this.#bets.exclusively(() => {});
      await this.#bets.sync();
      await this.#closed.sync();
    });
  }

  winners(agency: number): Uint8Array<ArrayBuffer> {
    return this.#tally.winners(agency);
  }

  async dispose(): Promise<void> {
    await this.#queue.run(() => {
      this.#bets.close();
      this.#closed.close();
    });
  }

  /** Whoever asks before its turn has come shares it: hundreds that ask must not keep out those who bet. */
  #startAsking(): Asking {
    const agencies = new Set<number>();
    const counts = this.#guarded(async () => {
      this.#asking = undefined;
      await this.#bets.exclusively(() => {});
      const found = new Map(Array.from(agencies, (agency) => [agency, this.#tally.count(agency)]));
      await this.#bets.sync();
      return found;
    });
    return { agencies, counts };
  }

  async #runRound(): Promise<void> {
    await turnEnd();
    const { round, accepted } = await this.#storeNext();
    try {
      if (accepted.length > 0) await this.#sync(round, accepted);
    } finally {
      round.rows.length = 0;
      round.batches = [];
    }
  }

  /** Appends what waits when the lock has been taken, or refuses it. */
  async #storeNext(): Promise<{ round: RoundInHand; accepted: Waiting[] }> {
    let round: RoundInHand | undefined;
    try {
      if (this.#failure !== undefined) throw this.#failure;
      return await this.#bets.exclusively(() => {
        // Not before: what has come while another server held the lock shares this turn of it.
        round = this.#takeRound();
        return { round, accepted: this.#append(round) };
      });
    } catch (error) {
      if (isFatal(error)) this.#fail(error);
      round ??= this.#takeRound();
      // What was to be appended is not in the file: a refusal is the truth.
      for (const batch of round.batches) batch.resolve(refusedBecause(error));
      return { round, accepted: [] };
    }
  }

  /** What waits; from now on others wait for the next round. */
  #takeRound(): RoundInHand {
    const round = this.#next;
    this.#next = this.#spare;
    this.#spare = round;
    return round;
  }

  /** Appends the batches of a round that may be stored, and counts them. The lock is held. */
  #append(round: RoundInHand): Waiting[] {
    const accepted = this.#admit(round);
    if (accepted.length > 0) {
      this.#bets.append(round.rows.view());
      this.#tally.scan(round.rows.view());
    }
    return accepted;
  }

  async #sync(round: RoundInHand, batches: Waiting[]): Promise<void> {
    try {
      await this.#bets.sync();
    } catch (error) {
      // The next sync would succeed although these bets are lost: there is no next one.
      this.#fail(error);
      await this.#refuseOrLeaveOpen(round, batches);
      return;
    }
    for (const batch of batches) batch.resolve("stored");
  }

  async #refuseOrLeaveOpen(round: RoundInHand, batches: Waiting[]): Promise<void> {
    const isTakenBack = await this.#bets.takeBack(round.rows.view()).catch(() => false);
    const unknown = new LedgerError("Cannot tell whether the bets will last", {
      cause: this.#failure,
    });
    for (const batch of batches) {
      if (isTakenBack) batch.resolve(refusedBecause(this.#failure));
      else batch.reject(unknown);
    }
  }

  /** Takes the batches that may be stored; the rows of the others are taken out of the round. */
  #admit(round: RoundInHand): Waiting[] {
    const closed = this.#closed.agencies();
    const added = new Map<number, number>();
    const accepted = round.batches.filter((batch) => {
      const { agency, expectedBets, rows } = batch;
      const stored = this.#tally.count(agency) + (added.get(agency) ?? 0);
      if (closed.has(agency)) batch.resolve({ refused: `agency ${agency} is closed` });
      else if (expectedBets !== undefined && expectedBets !== stored) {
        batch.resolve({
          refused: `agency ${agency} has ${stored} bets, where this connection knows of ` +
            `${expectedBets}: others were stored since, ask for progress and go on from there`,
        });
      } else {
        added.set(agency, stored - this.#tally.count(agency) + rows);
        return true;
      }
      return false;
    });
    if (accepted.length < round.batches.length) keepOnly(accepted, round.rows);
    return accepted;
  }

  /** Runs work in turn with the rounds; what leaves the files in doubt ends the ledger. */
  #guarded<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#queue.run(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      try {
        return await work();
      } catch (error) {
        if (isFatal(error)) this.#fail(error);
        throw error;
      }
    });
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = error instanceof Error ? error : new Error(String(error));
    this.#options.onFailure(this.#failure);
  }
}

/** Moves the rows of some batches of a round together, and drops the others. */
function keepOnly(batches: readonly Waiting[], rows: ByteBuffer): void {
  let length = 0;
  for (const { from, to } of batches) {
    rows.bytes.copyWithin(length, from, to);
    length += to - from;
  }
  rows.length = length;
}

/** Whether the ledger cannot go on. A disk that is full can be emptied: that one is survived. */
function isFatal(error: unknown): boolean {
  return error instanceof LedgerError || error instanceof DamagedRowError;
}

function refusedBecause(error: unknown): AppendResult {
  return { refused: error instanceof Error ? error.message : String(error) };
}
