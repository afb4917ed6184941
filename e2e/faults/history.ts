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

/** A server said how many of the agency's bets are durable. */
export interface ProgressEvent {
  type: "progress";
  agency: number;
  bets: number;
  /**
   * How many bets were acknowledged when it was asked, where others send bets of the agency at the same time: the
   * acknowledgement of a later batch may arrive before this answer. @default {those acknowledged before the answer}
   */
  acknowledged?: number;
}

/** Something that an agency did or learned. */
export type Event =
  /** The batch was handed to the network. It may have arrived in whole, in part or not at all. */
  | { type: "sent"; agency: number } & Span
  /** The answer was 0. */
  | { type: "stored"; agency: number } & Span
  /** The answer was 1. */
  | { type: "refused"; agency: number } & Span
  | ProgressEvent
  | { type: "close sent"; agency: number }
  /** A server answered a request sent after the close. `fileSize`: bytes of bets.csv just then. */
  | { type: "closed"; agency: number; fileSize: number }
  /** `server`: its name, for messages. */
  | { type: "winners"; agency: number; documents: string[]; server: string };

/** The events of one run. */
export class History {
  readonly events: Event[] = [];
  /** Batches acknowledged. */
  readonly stored: Counter = new Counter();
  /** Batches refused. */
  readonly refused: Counter = new Counter();
  /** When batches were acknowledged, by agency: monotonic times in milliseconds. */
  readonly #storedAt = new Map<number, number[]>();

  /** Appends an event that has just happened. */
  add(event: Event): void {
    this.events.push(event);
    if (event.type === "stored") this.#addStored(event.agency);
    else if (event.type === "refused") this.refused.add();
  }

  /** Returns how many bets of an agency are acknowledged. */
  acknowledged(agency: number): number {
    const isStored = (event: Event) => event.type === "stored" && event.agency === agency;
    const last = this.events.findLast(isStored);
    return last?.type === "stored" ? last.to : 0;
  }

  /** Returns how many batches of an agency were acknowledged since a time. */
  storedSince(agency: number, sinceMs: number): number {
    const times = this.#storedAt.get(agency) ?? [];
    const at = times.findLastIndex((time) => time < sinceMs);
    return times.length - 1 - at;
  }

  /** Returns the longest time, in milliseconds, that an agency waited for an acknowledgement since a time. */
  longestPause(sinceMs: number): number {
    let longestMs = 0;
    for (const times of this.#storedAt.values()) {
      const first = Math.max(1, times.findLastIndex((time) => time < sinceMs) + 1);
      for (let at = first; at < times.length; at++) {
        longestMs = Math.max(longestMs, times[at] - times[at - 1]);
      }
    }
    return longestMs;
  }

  /** Returns how long, in milliseconds, an agency waited for its first acknowledgement since a time. */
  longestWait(sinceMs: number): number {
    const firsts = [...this.#storedAt.values()].map((times) => times.find((at) => at >= sinceMs));
    return Math.max(...firsts.map((at) => (at ?? Infinity) - sinceMs));
  }

  #addStored(agency: number): void {
    this.stored.add();
    const times = this.#storedAt.get(agency) ?? [];
    this.#storedAt.set(agency, times);
    times.push(performance.now());
  }
}
