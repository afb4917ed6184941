/**
 * What a power cut may leave of a batch. If the batch was in flight when the power failed and was
 * never answered, a prefix of it may be stored: one server's sync also flushes what another has
 * written so far. No other batch may ever be stored in part.
 *
 * @module
 */

import type { Span } from "./history.ts";

/** A batch of which a prefix may be stored. */
interface CutBatch extends Span {
  /** Bytes of bets.csv when the power came back. The prefix ends before this offset. */
  fileSize: number;
}

/** Tracks the batches of one agency across power cuts. */
export class CutBatches {
  /** Batches sent since the last power cut and not answered. */
  #inFlight: Span[] = [];
  /** Batches that a power cut hit, until a server reports the agency's progress. */
  #cut: CutBatch[] = [];
  /**
   * Where batches that are stored in part turned out to end: from the number of the agency's stored
   * bets to the offset in bets.csv before which the last of them begins.
   */
  readonly ends: Map<number, number> = new Map();
  #isPowerOff = false;

  sent(batch: Span): void {
    // No server is alive to receive what is sent while the power is off.
    if (!this.#isPowerOff) this.#inFlight.push(batch);
  }

  /** The batch was acknowledged or refused: it is stored in whole, or not at all. */
  answered({ from, to }: Span): void {
    const isOther = (batch: Span) => batch.from !== from || batch.to !== to;
    this.#inFlight = this.#inFlight.filter(isOther);
    this.#cut = this.#cut.filter(isOther);
  }

  /**
   * @param acknowledged How many of the agency's bets were acknowledged. Only a batch in flight
   * that begins there can be cut.
   */
  powerCut(acknowledged: number): void {
    const hit = this.#inFlight.filter(({ from }) => from === acknowledged);
    this.#cut.push(...hit.map((batch) => ({ ...batch, fileSize: Infinity })));
    this.#inFlight = [];
    this.#isPowerOff = true;
  }

  powerBack(fileSize: number): void {
    for (const batch of this.#cut) batch.fileSize = Math.min(batch.fileSize, fileSize);
    this.#isPowerOff = false;
  }

  /**
   * A server reported how many bets are stored. The first report after a power cut settles where a
   * batch ends.
   */
  progress(bets: number): void {
    // Sent before the power failed, received after.
    if (this.#isPowerOff) return;
    const hit = this.#cut.find((batch) => isWithin(batch, bets));
    if (hit !== undefined) this.ends.set(bets, hit.fileSize);
    this.#cut = [];
  }

  /**
   * Returns whether a power cut explains that exactly `bets` of the agency's bets are stored.
   *
   * @param offset Where the last of these bets begins in bets.csv.
   */
  mayEndAt(bets: number, offset: number): boolean {
    const fileSize = this.ends.get(bets) ??
      this.#cut.find((batch) => isWithin(batch, bets))?.fileSize;
    return fileSize !== undefined && offset < fileSize;
  }
}

/** Returns whether `bets` stored bets include part of the batch, but not all of it. */
function isWithin({ from, to }: Span, bets: number): boolean {
  return from < bets && bets < to;
}
