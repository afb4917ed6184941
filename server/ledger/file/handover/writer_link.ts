/**
 * The connection of a server to the one that writes: batches go there, their outcomes come back.
 *
 * @module
 */

import type { BetBatch } from "../../../../shared/mod.ts";
import type { RoundResult } from "../round_result.ts";
import { Channel, type HandoverConnection } from "./channel.ts";
import { type Frame, FrameError, writeBatch } from "./frames.ts";

/** The outcome of a batch that was handed over. */
export type HandedResult =
  | RoundResult
  /** Nothing of it is stored, or ever will be. Whoever has handed it over stores it. */
  | { status: "declined" };

const DECLINED: HandedResult = { status: "declined" };
const LOST: HandedResult = {
  status: "unknown",
  reason: "cannot tell whether the bets are stored: the server that writes has not answered",
};

/** Why a link has ended: the writer has said so, or it is gone, or has not been heard of for too long. */
export type LinkEnd = "leave" | "takeover" | "lost" | "silent";

/** After so many ticks without a byte, while batches wait, the writer is given up. */
const SILENT_TICKS_MAX = 4;

/** The way to the writer. */
export class WriterLink {
  /** Resolves with why the connection has ended, once every batch has its outcome. */
  readonly ended: Promise<LinkEnd>;
  /** Resolves with whether the writer takes batches from this server. */
  readonly accepted: Promise<boolean>;
  readonly #channel: Channel;
  readonly #greeting: string;
  readonly #accept: (isAccepted: boolean) => void;
  /** The batches without an outcome, by number. */
  readonly #waiting = new Map<number, (result: HandedResult) => void>();
  #lastId = 0;
  #isOpen = true;
  #end: LinkEnd = "lost";
  #hasHeard = false;
  #silentTicks = 0;

  /** @param greeting Both ends must have the same. */
  constructor(connection: HandoverConnection, greeting: string) {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.accepted = promise;
    this.#accept = resolve;
    this.#greeting = greeting;
    this.#channel = new Channel(connection);
    this.#channel.send({ type: "hello", text: greeting });
    this.ended = this.#channel.receive((frames) => this.#receive(frames)).then(() =>
      this.#finish()
    );
  }

  /** Hands a batch over, or declines it once the batches before it have their outcome. */
  append(batch: BetBatch, expectedBets: number | undefined): Promise<HandedResult> {
    if (!this.#isOpen) return this.ended.then(() => DECLINED);
    const id = this.#lastId = (this.#lastId + 1) >>> 0;
    writeBatch(this.#channel.out, id, batch, expectedBets);
    this.#channel.flush();
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  /** Notices a writer that has stopped without an end of the connection. It is called regularly. */
  tick(): void {
    const isSilent = this.#waiting.size > 0 && !this.#hasHeard;
    this.#hasHeard = false;
    this.#silentTicks = isSilent ? this.#silentTicks + 1 : 0;
    if (this.#silentTicks < SILENT_TICKS_MAX) return;
    this.#end = "silent";
    this.#channel.close();
  }

  /** Hands over no more batches, and ends when those that were have their outcome. */
  leave(): void {
    this.#isOpen = false;
    if (this.#waiting.size === 0) this.#channel.close();
  }

  /** Ends at once. */
  close(): void {
    this.#isOpen = false;
    this.#channel.close();
  }

  #receive(frames: readonly Frame[]): void {
    this.#hasHeard = true;
    for (const frame of frames) {
      switch (frame.type) {
        case "hello":
          if (frame.text !== this.#greeting) throw new FrameError("the writer greets otherwise");
          this.#accept(true);
          break;
        case "takeover":
        case "leave":
          this.#end = frame.type;
          this.leave();
          break;
        default:
          this.#settle(frame);
      }
    }
  }

  #settle({ type, id, why, text: reason }: Frame): void {
    const resolve = this.#waiting.get(id);
    if (resolve === undefined) return;
    this.#waiting.delete(id);
    if (type === "stored") resolve({ status: "stored" });
    else if (type === "refused") resolve({ status: "refused", why, reason });
    else if (type === "declined") resolve(DECLINED);
    else resolve({ status: "unknown", reason });
    if (!this.#isOpen && this.#waiting.size === 0) this.#channel.close();
  }

  #finish(): LinkEnd {
    this.#isOpen = false;
    this.#accept(false);
    for (const resolve of this.#waiting.values()) resolve(LOST);
    this.#waiting.clear();
    return this.#end;
  }
}
