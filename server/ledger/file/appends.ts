/**
 * Where batches go: into the rounds of this server, or to the server that writes for all.
 *
 * @module
 */

import type { ActionLog } from "../../../shared/logging.ts";
import type { BetBatch } from "../../../shared/mod.ts";
import type { Disk } from "../disk.ts";
import { microseconds } from "../figures.ts";
import type { AppendResult } from "../ledger.ts";
import type { HandoverNetwork } from "./handover/channel.ts";
import { Handover } from "./handover/handover.ts";
import type { HandedResult } from "./handover/writer_link.ts";
import { Rounds, type RoundsOptions } from "./rounds.ts";
import { WRITER_FILE } from "./volume_files.ts";

/** Options of {@linkcode Appends}. */
export interface AppendsOptions extends RoundsOptions {
  disk: Disk;
  log: ActionLog;
  /** How to reach the server that writes for all. @default {each server writes for itself} */
  handover?: HandoverNetwork;
  /** A monotonic clock, in milliseconds. @default {performance.now} */
  now?: () => number;
}

/** Stores batches. */
export class Appends {
  readonly #options: AppendsOptions;
  readonly #rounds: Rounds;
  #handover: Handover | undefined;

  constructor(options: AppendsOptions) {
    this.#options = options;
    this.#rounds = new Rounds(options);
  }

  /** Stores a batch. */
  append(batch: BetBatch, expectedBets?: number): Promise<AppendResult> {
    const handed = this.#handover?.append(batch, expectedBets);
    if (handed === undefined) return this.#rounds.append(batch, expectedBets);
    return this.#appendHanded(handed, batch, expectedBets);
  }

  /** Takes part in the handover among the servers of a lottery. */
  share(lottery: string): void {
    const { handover: network, now = () => performance.now(), disk, log, queue } = this.#options;
    if (network === undefined) return;
    this.#handover = new Handover({
      network,
      openLock: () => disk.open(WRITER_FILE),
      lottery,
      store: (...handed) => this.#rounds.appendHanded(...handed),
      idle: () => queue.run(() => {}),
      now,
      log,
    });
  }

  /** Hands over nothing more, and takes nothing more. */
  async leave(): Promise<void> {
    await this.#handover?.leave();
  }

  async #appendHanded(
    handed: Promise<HandedResult>,
    batch: BetBatch,
    expectedBets: number | undefined,
  ): Promise<AppendResult> {
    const { figures } = this.#options;
    const arrived = microseconds();
    const result = await handed;
    if (result.status === "declined") return await this.#rounds.append(batch, expectedBets);
    if (result.status === "refused") return figures.refuse(result.why, result.reason);
    figures.countBatches([{ batch, arrived }], result.status);
    if (result.status === "stored") figures.handed++;
    return result;
  }
}
