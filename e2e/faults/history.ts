/**
 * What agencies saw happen, in order: the input of the checker.
 *
 * @module
 */

import { Counter } from "./counter.ts";

/** Bets `from` up to, but not including, `to` of an agency, counted from 0. */
export interface Span {
  from: number;
  to: number;
}

/** Something that an agency did or learned. */
export type AgencyEvent =
  /** The batch was handed to the network. It may have arrived in whole, in part or not at all. */
  | { type: "sent"; agency: number } & Span
  /** The answer was 0. */
  | { type: "stored"; agency: number } & Span
  /** The answer was 1. */
  | { type: "refused"; agency: number } & Span
  /** A server said how many of the agency's bets are durable. */
  | { type: "progress"; agency: number; bets: number }
  | { type: "close sent"; agency: number }
  /** A server answered a request sent after the close. `fileSize`: bytes of bets.csv just then. */
  | { type: "closed"; agency: number; fileSize: number }
  /** `server`: its name, for messages. */
  | { type: "winners"; agency: number; documents: string[]; server: string };

/** One event of a history. */
export type Event =
  | AgencyEvent
  /**
   * From here on nothing reaches the disk. Answers sent before may still be read after this event.
   */
  | { type: "power cut" }
  /** Servers can start again. `fileSize`: bytes of bets.csv that the power cut left. */
  | { type: "power back"; fileSize: number };

/** The events of one run. */
export class History {
  readonly events: Event[] = [];
  /** Batches acknowledged. */
  readonly stored: Counter = new Counter();
  /** Batches refused. */
  readonly refused: Counter = new Counter();

  /** Appends an event that has just happened. */
  add(event: Event): void {
    this.events.push(event);
    if (event.type === "stored") this.stored.add();
    else if (event.type === "refused") this.refused.add();
  }
}
