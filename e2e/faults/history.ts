/**
 * What happened, as seen from the agencies' side of the network, in the order in which it was seen.
 *
 * @module
 */

import { Counter } from "./counter.ts";

/** Something that an agency did or was told. Bets `from` up to `to`, which is not among them. */
export type Event =
  /** The bets were given to the network; they may have got anywhere, or nowhere. */
  | { type: "sent"; agency: number; from: number; to: number }
  /** The answer was 0. */
  | { type: "stored"; agency: number; from: number; to: number }
  /** The answer was 1. */
  | { type: "refused"; agency: number; from: number; to: number }
  /** A server said how many bets of the agency it holds for good. */
  | { type: "progress"; agency: number; bets: number }
  | { type: "close sent"; agency: number }
  /** A server that had got the close answered what came behind it. `fileSize`: of bets.csv, just after. */
  | { type: "closed"; agency: number; fileSize: number }
  | { type: "winners"; agency: number; documents: string[]; server: string }
  /** What is not on the disk now never will be. Answers of before may still be read behind this. */
  | { type: "power cut" }
  /** Servers can start again. `fileSize`: of bets.csv, as the power cut has left it. */
  | { type: "power back"; fileSize: number };

/** All events of a run. */
export class History {
  readonly events: Event[] = [];
  /** Batches acknowledged. */
  readonly stored: Counter = new Counter();
  /** Batches refused. */
  readonly refused: Counter = new Counter();
  /** Agencies whose close is confirmed. */
  readonly closed: Counter = new Counter();

  /** Adds what has just happened. */
  add(event: Event): void {
    this.events.push(event);
    if (event.type === "stored") this.stored.add();
    else if (event.type === "refused") this.refused.add();
    else if (event.type === "closed") this.closed.add();
  }
}
