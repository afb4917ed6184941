/**
 * This server among those that share a volume: it enters with a redo log of its own, makes its rounds durable,
 * and leaves in order.
 *
 * @module
 */

import type { ActionLog } from "../../../shared/logging.ts";
import type { RowRules } from "../bet_row.ts";
import type { FatalLedgerError } from "../fatal_error.ts";
import type { LedgerFigures } from "../figures.ts";
import type { LotteryIdentity } from "../ledger.ts";
import type { BetsFile, LockedBets } from "./bets_file.ts";
import type { KnownRows } from "./checkpoint_file.ts";
import { Checkpoints } from "./checkpoints.ts";
import type { Disk, DiskFile } from "../disk.ts";
import { Durability } from "./durability.ts";
import { findLogs, isOf, logNames, readRecords } from "./log_files.ts";
import { assertIdentity, claimIdentity, type LotterySettings } from "./lottery_identity.ts";
import { enterVolume, isUsed, removeDeadLogs, type VolumeEntry } from "./volume_entry.ts";

/** Options of {@linkcode Membership}. */
export interface MembershipOptions {
  settings: LotterySettings;
  rules: RowRules;
  log: ActionLog;
  /** Called when the ledger can no longer keep its promises. */
  onFatal: (error: FatalLedgerError) => void;
  figures: LedgerFigures;
  /** Size of the redo log of this server. */
  logBytes: number;
  /** The rows that this server has written or judged, from the first one on. */
  knownRows: () => KnownRows;
}

/** The log and the checkpoints of this server, from its entry on. */
export class Membership {
  readonly #disk: Disk;
  readonly #options: MembershipOptions;
  readonly #checkpoints: Checkpoints;
  #lottery: string | undefined;
  #entry: VolumeEntry | undefined;
  #durability: Durability | undefined;

  constructor(disk: Disk, options: MembershipOptions) {
    this.#disk = disk;
    this.#options = options;
    this.#checkpoints = new Checkpoints(disk, options);
  }

  /** Bytes of bets.csv that this server knows to be durable or recorded. */
  get knownSize(): number {
    return this.#durability?.knownSize ?? 0;
  }

  /**
   * Enters the volume. The lock of bets.csv is held.
   *
   * @returns What is known of bets.csv.
   */
  async enter(locked: LockedBets): Promise<Pick<VolumeEntry, "epoch" | "known">> {
    const { settings, onFatal, figures } = this.#options;
    const checkpoints = this.#checkpoints;
    const disk = this.#disk;
    const files = { ...locked, disk, checkpoint: checkpoints.file };
    this.#lottery = assertIdentity(disk, settings, { isUsed: isUsed(files) })?.id;
    const options = { ...this.#options, lottery: this.#lottery };
    const entry = await checkpoints.locked(() => enterVolume(files, options));
    checkpoints.begin({ ...entry, lottery: this.#lottery });
    this.#entry = entry;
    this.#durability = new Durability({ disk, log: entry.log, checkpoints, onFatal, figures });
    return entry;
  }

  /**
   * Claims the volume for this lottery, once it has been read. The lock of bets.csv is held.
   *
   * @returns The identity of the lottery.
   */
  claim(): LotteryIdentity {
    const { epoch, log } = this.#entry!;
    const identity = claimIdentity(this.#disk, this.#options.settings);
    const lottery = this.#lottery = this.#checkpoints.lottery = identity.id;
    log.begin({ lottery, epoch });
    return identity;
  }

  /** Begins to store: the checkpoint is no longer clean, and unneeded logs of killed servers are removed. */
  async activate(bets: BetsFile): Promise<void> {
    const { log } = this.#entry!;
    let filling: Promise<void> | undefined;
    // A log that turns out not to fit takes all the room for a moment: nobody else may need some just then.
    await bets.locked(() => void (filling = log.fill()));
    await filling;
    await this.#checkpoints.activate(bets.foreignSize);
    await bets.locked(() => removeDeadLogs({ disk: this.#disk }, this.#checkpoints.recorded));
  }

  /** Makes a round durable that was just appended. */
  commit(from: number, rows: Uint8Array): Promise<void> {
    return this.#durability!.commit(from, rows);
  }

  /** Makes bets.csv durable up to `size`, the end of a round. */
  cover(size: number): Promise<void> {
    return this.#checkpoints.cover(size);
  }

  /** Whether a redo log holds the round that begins at `from`. */
  isRecorded(from: number): boolean {
    if (this.#lottery === undefined) return false;
    const isOurs = isOf({ lottery: this.#lottery, epoch: this.#entry!.epoch });
    return readRecords(this.#disk, logNames(this.#disk))
      .some((record) => isOurs(record) && record.from === from);
  }

  /**
   * Removes the log of this server. The last server that leaves makes a clean checkpoint: whatever is appended
   * after that was written by other programs. A disk that has failed keeps every log.
   */
  async leave(bets: BetsFile): Promise<void> {
    if (this.#entry === undefined || !await this.#durability!.end()) return;
    if (await bets.locked(() => this.#isAlone())) await bets.judgeForeignRows();
    await bets.exclusively(() => this.#leave(bets.size));
  }

  /**
   * Does the same for a server that has stored nothing. The lock of bets.csv is held. It leaves to recovery what
   * others have stored since the last checkpoint: they may have been killed within a round, which it has not checked.
   */
  async leaveUnread(bets: DiskFile): Promise<void> {
    if (this.#entry === undefined) return;
    if (bets.size() === this.#checkpoints.look()) await this.#leave(bets.size());
    else this.#removeLog();
  }

  async #leave(size: number): Promise<void> {
    if (this.#isAlone()) {
      await this.#checkpoints.locked(() => this.#checkpoints.end(size));
      removeDeadLogs({ disk: this.#disk }, size);
    }
    this.#removeLog();
  }

  /** Whether no other server lives. The lock of bets.csv is held. */
  #isAlone(): boolean {
    return findLogs(this.#disk).live.every((name) => name === this.#entry!.log.name);
  }

  #removeLog(): void {
    this.#disk.remove(this.#entry!.log.name);
    this.#disk.syncFolder();
  }

  /** Waits until nothing is being written any more. */
  async idle(): Promise<void> {
    await this.#entry?.log.idle();
    await this.#checkpoints.idle();
  }

  /** Closes all files, which releases their locks. */
  close(): void {
    this.#checkpoints.close();
    this.#entry?.log.close();
  }
}
