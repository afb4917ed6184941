/**
 * One of the servers of a volume writes for all: the others hand their batches to it.
 *
 * A round costs its server the same whether it stores one batch or fifty, and the next server must read what the last
 * one has written. So eight servers that each write their own rounds spend four times as much processor time on a
 * batch as one. Who writes is only a matter of speed: every server may write at any time, under the lock of bets.csv,
 * and does so while it reaches no writer. A batch is handed over once, to be stored as if it had come there; if its
 * outcome does not come back, it is unknown.
 *
 * The writer holds the lock of a file. Whoever gets it listens; whoever does not, connects. A writer without agencies
 * of its own makes room for the busiest of the others.
 *
 * @module
 */

import type { ActionLog } from "../../../../shared/logging.ts";
import type { BetBatch } from "../../../../shared/mod.ts";
import type { DiskFile } from "../../disk.ts";
import type { HandoverNetwork } from "./channel.ts";
import { type HandedResult, WriterLink } from "./writer_link.ts";
import { WriterPort, type WriterPortOptions } from "./writer_port.ts";

/** How often a server without a writer looks for one, and each notices whether the other still lives. */
const TICK_MS = 500;
/** Longest pause between attempts that fail, and how long a server that could not listen leaves that to others. */
const PAUSE_MAX_MS = 10_000;
/** Both ends must know these frames. */
const VERSION = 1;

/** Options of {@linkcode Handover}. */
export interface HandoverOptions extends Pick<WriterPortOptions, "store" | "now"> {
  network: HandoverNetwork;
  /** Opens the file whose lock the writer holds. */
  openLock: () => DiskFile;
  /** The id of the lottery. */
  lottery: string;
  /** Resolves when what this server stores itself, up to now, has its outcome. */
  idle: () => Promise<void>;
  log: ActionLog;
}

/** The part of a server in this. */
export class Handover {
  readonly #options: HandoverOptions;
  readonly #greeting: string;
  readonly #timer: ReturnType<typeof setInterval>;
  /** If this server is the writer. */
  #port: WriterPort | undefined;
  /** If another one is. */
  #link: WriterLink | undefined;
  /** Resolves when batches may be handed over: those before must not be overtaken. */
  #before: Promise<void> = Promise.resolve();
  /** The batch that was handed over last, if it may still come back. */
  #last: Promise<HandedResult> | undefined;
  /** Its lock is held while this server is the writer. */
  #lock: DiskFile | undefined;
  #isSeeking = false;
  #isOver = false;
  /** Whether a batch has come to this server itself since the last tick. */
  #isUsed = false;
  #leaving: Promise<void> = Promise.resolve();
  /** When it may listen again after it could not. */
  #listenAt = -Infinity;
  /** When it looks for the writer again after it found none, and the pause after that. */
  #seekAt = -Infinity;
  #pauseMs = TICK_MS;

  constructor(options: HandoverOptions) {
    this.#options = options;
    this.#greeting = `handover ${VERSION} ${options.lottery}`;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    void this.#seek();
  }

  /**
   * Hands a batch over.
   *
   * @returns Its outcome; nothing if this server has to store it.
   */
  append(batch: BetBatch, expectedBets?: number): Promise<HandedResult> | undefined {
    this.#isUsed = true;
    const link = this.#link;
    if (link === undefined) return undefined;
    return this.#last = this.#before.then(() => link.append(batch, expectedBets));
  }

  /** Ends: batches on their way get their outcome, and another server may write. */
  async leave(): Promise<void> {
    this.#isOver = true;
    this.#link?.leave();
    if (this.#port !== undefined) this.#resign(this.#port);
    // The timer notices a writer that is paused meanwhile.
    await Promise.all([this.#link?.ended, this.#leaving]);
    clearInterval(this.#timer);
  }

  #tick(): void {
    const isUsed = this.#isUsed;
    this.#isUsed = false;
    this.#link?.tick();
    const port = this.#port;
    if (port === undefined) return void this.#seek();
    const busiest = port.tick();
    if (port.wasPaused || !this.#isReachable(port)) this.#resign(port);
    // The busiest server writes its own batches.
    else if (!isUsed && busiest !== undefined) this.#resign(port, busiest);
  }

  /** Whether the others find this writer, and see that there is one. */
  #isReachable(port: WriterPort): boolean {
    try {
      return port.isReachable && this.#lock!.isCurrent(0);
    } catch {
      return false;
    }
  }

  /** Becomes the writer, or finds it. */
  async #seek(): Promise<void> {
    if (this.#isSeeking || this.#isOver || this.#lock !== undefined || this.#link !== undefined) {
      return;
    }
    if (this.#options.now() < this.#seekAt) return;
    this.#isSeeking = true;
    try {
      const lock = this.#takeLock();
      if (lock !== undefined) return this.#listen(lock);
      await this.#connect();
    } catch {
      // There is no writer at the moment, or it is of another version. This server stores its batches itself.
    } finally {
      this.#isSeeking = false;
      const hasFound = this.#lock !== undefined || this.#link !== undefined;
      // A system that forbids connections should not have to say so twice a second.
      this.#seekAt = hasFound ? -Infinity : this.#options.now() + this.#pauseMs;
      this.#pauseMs = hasFound ? TICK_MS : Math.min(2 * this.#pauseMs, PAUSE_MAX_MS);
    }
  }

  #takeLock(): DiskFile | undefined {
    const { now, openLock } = this.#options;
    if (now() < this.#listenAt) return undefined;
    try {
      const lock = openLock();
      if (lock.tryLock()) return lock;
      lock.close();
    } catch (error) {
      // For example a folder of this name, or a file of another user.
      this.#leaveToOthers(error);
    }
  }

  /** Another server may be able to write for all. */
  #leaveToOthers(error: unknown): void {
    const { log, now } = this.#options;
    this.#listenAt = now() + PAUSE_MAX_MS;
    log.debug("handover", "fail", { error: (error as Error).message });
  }

  #listen(lock: DiskFile): void {
    const { network, log } = this.#options;
    try {
      const port = new WriterPort(network.listen(), { ...this.#options, greeting: this.#greeting });
      this.#port = port;
      this.#lock = lock;
      log.info("handover", "success", { writer: true });
      void port.ended.then(() => this.#resign(port));
    } catch (error) {
      // For example a file system without sockets, or too long a path.
      lock.close();
      this.#leaveToOthers(error);
    }
  }

  async #connect(): Promise<void> {
    const connection = await this.#options.network.connect();
    const link = new WriterLink(connection, this.#greeting);
    const timer = setTimeout(() => link.close(), TICK_MS);
    const isAccepted = await link.accepted.finally(() => clearTimeout(timer));
    if (!isAccepted || this.#isOver) return link.close();
    this.#link = link;
    this.#before = this.#options.idle();
    void this.#unlinkAfter(link);
  }

  async #unlinkAfter(link: WriterLink): Promise<void> {
    const end = await link.ended;
    // Batches that were declined last are on their way back here, and must not be overtaken.
    while (this.#last !== undefined) {
      const last = this.#last;
      await last;
      if (this.#last === last) this.#last = undefined;
    }
    this.#link = undefined;
    if (end === "silent") {
      this.#options.log.warning("handover", "fail", {
        error: "the server that writes for all does not answer: it is paused, or its disk hangs",
        hint: "this server stores its batches itself",
      });
    }
    // Otherwise another server is to be the next writer, and needs a moment.
    if (end !== "leave") await this.#seek();
  }

  /** Stops being the writer. */
  #resign(port: WriterPort, next?: Parameters<WriterPort["leave"]>[0]): void {
    if (this.#port !== port) return;
    this.#port = undefined;
    this.#leaving = this.#leave(port, next);
  }

  async #leave(port: WriterPort, next: Parameters<WriterPort["leave"]>[0]): Promise<void> {
    // Only then: closing removes the socket, which may already be that of the next writer.
    await port.close();
    try {
      this.#lock?.close();
    } catch {
      // The file is out of reach. Its lock ends with this server; until then the others store their batches themselves.
    }
    this.#lock = undefined;
    await port.leave(next);
  }
}
