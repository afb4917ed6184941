/**
 * What the streams of a cluster hold, and whether each of their messages may be where it is.
 *
 * @module
 */

import type { StreamMessage } from "../../testing/stream_reader.ts";
import type { AgencyRecord, AgencyRecords } from "./agency_record.ts";
import type { FaultList } from "./fault.ts";
import { rowOf } from "./made_bets.ts";

/** The messages of each stream, in the order of the partitions. */
export type StoredStreams = readonly (readonly StreamMessage[])[];

/** Returns the rows of all streams and the agencies that have closed, as the files of a volume. */
export function filesOf(streams: StoredStreams): { bets: Uint8Array; closed: string } {
  const messages = streams.flat();
  const size = messages.reduce((sum, { body }) => sum + body.length, 0);
  const bets = new Uint8Array(size);
  let at = 0;
  for (const { body } of messages) {
    bets.set(body, at);
    at += body.length;
  }
  const closes = messages.filter((message) => kindOf(message) === "close");
  return { bets, closed: closes.map(({ subject }) => `${agencyOf(subject)}\n`).join("") };
}

/**
 * Checks what only streams show: that every message is a whole batch, says how many bets the agency
 * has after it, and names the message before it; and that nothing follows a close.
 */
export function checkStreams(
  streams: StoredStreams,
  records: AgencyRecords,
  faults: FaultList,
): void {
  const chains = new Map([...records.values()].map((record) => [record.agency, new Chain(record)]));
  const ids = new Map<string, string>();
  for (const [partition, messages] of streams.entries()) {
    for (const message of messages) {
      const where = `message ${message.sequence} of partition ${partition}`;
      const chain = chains.get(agencyOf(message.subject));
      if (chain === undefined || chain.record.agency % streams.length !== partition) {
        faults.add("never sent", `${where}: its subject is ${message.subject}`);
        continue;
      }
      chain.add(message, where, faults);
      const id = message.headers.get("Lottery-Id") ?? "";
      if (ids.has(id)) faults.add("duplicate", `${where}: ${ids.get(id)} has the same id ${id}`);
      ids.set(id, where);
    }
  }
}

/** The messages of one agency so far. */
class Chain {
  readonly record: AgencyRecord;
  #bets = 0;
  #lastSequence = 0;
  #isClosed = false;

  constructor(record: AgencyRecord) {
    this.record = record;
  }

  /** Adds the next message of the agency. */
  add(message: StreamMessage, where: string, faults: FaultList): void {
    const { agency, batchEnds } = this.record;
    const kind = kindOf(message);
    const of = `${where}, kind ${kind} of agency ${agency}`;
    const expected = message.headers.get("Nats-Expected-Last-Subject-Sequence");
    if (this.#isClosed) {
      faults.add(kind === "close" ? "duplicate" : "late", `${of}, after its close`);
    }
    if (expected !== String(this.#lastSequence)) {
      faults.add("out of order", `${of} follows ${this.#lastSequence}, but expected ${expected}`);
    }
    const rows = kind === "bets" ? countRows(message.body) : 0;
    const total = Number(message.headers.get("Lottery-Bets"));
    if (total !== this.#bets + rows || (kind !== "bets" && message.body.length > 0)) {
      faults.add("never sent", `${of}: ${rows} rows after ${this.#bets} make ${total} bets`);
    }
    if (kind === "bets" && !isBatch(message.body, agency, this.#bets)) {
      faults.add("never sent", `${of}: its rows are not those from bet ${this.#bets + 1} on`);
    } else if (!batchEnds.has(total)) {
      faults.add("torn batch", `${of} ends at bet ${total}, and no batch ends there`);
    }
    this.#bets += rows;
    this.#lastSequence = message.sequence;
    this.#isClosed ||= kind === "close";
  }
}

function kindOf({ headers }: StreamMessage): string {
  return headers.get("Lottery-Kind") ?? "none";
}

function agencyOf(subject: string): number {
  return Number(subject.split(".").at(-1));
}

function countRows(body: Uint8Array): number {
  return body.reduce((sum, byte) => sum + (byte === 10 ? 1 : 0), 0);
}

/** Returns whether a body is the agency's rows from index `from` on. */
function isBatch(body: Uint8Array, agency: number, from: number): boolean {
  const rows = new TextDecoder().decode(body).split("\n").slice(0, -1);
  return rows.length > 0 && rows.every((row, index) => row === rowOf(agency, from + index));
}
