/**
 * What a history says about each agency.
 *
 * @module
 */

import type { FaultList } from "./fault.ts";
import type { Event, ProgressEvent, Span } from "./history.ts";

/** What one agency has sent, and what servers have promised it. */
export class AgencyRecord {
  readonly agency: number;
  /** How many bets it has sent, at least once. */
  sent = 0;
  /** Where its batches end. Its stored bets can end nowhere else. */
  readonly batchEnds: Set<number> = new Set([0]);
  /** How many bets are acknowledged, or reported as durable. */
  acknowledged = 0;
  close: "not sent" | "sent" | "confirmed" = "not sent";
  /** Bytes of bets.csv when the close was confirmed. */
  closedAt = Infinity;

  constructor(agency: number) {
    this.agency = agency;
  }

  /** Adds an event of this agency, and reports the promises that it breaks. */
  add(event: Event, faults: FaultList): void {
    switch (event.type) {
      case "sent":
        this.sent = Math.max(this.sent, event.to);
        this.batchEnds.add(event.to);
        break;
      case "stored":
        this.#addStored(event, faults);
        break;
      case "progress":
        this.#addProgress(event, faults);
        break;
      case "close sent":
        if (this.close === "not sent") this.close = "sent";
        break;
      case "closed":
        this.close = "confirmed";
        this.closedAt = Math.min(this.closedAt, event.fileSize);
        break;
      case "refused":
      case "winners":
        break;
    }
  }

  #addStored(batch: Span, faults: FaultList): void {
    this.acknowledged = Math.max(this.acknowledged, batch.to);
    if (this.close !== "confirmed") return;
    const which = `bets ${batch.from + 1} to ${batch.to}`;
    faults.add("late", `agency ${this.agency}: ${which} acknowledged after the close`);
  }

  #addProgress(
    { bets, acknowledged = this.acknowledged }: ProgressEvent,
    faults: FaultList,
  ): void {
    const { agency, sent, batchEnds } = this;
    const report = `agency ${agency}: a server reports ${bets} stored bets`;
    if (bets < acknowledged) faults.add("lost", `${report}, but ${acknowledged} were acknowledged`);
    if (bets > sent) faults.add("never sent", `${report}, but ${sent} were sent`);
    else if (!batchEnds.has(bets)) {
      faults.add("torn batch", `${report}, and no batch ends there`);
    }
    this.acknowledged = Math.max(this.acknowledged, bets);
  }
}

/** The record of each agency, by its number. */
export type AgencyRecords = ReadonlyMap<number, AgencyRecord>;

/**
 * Replays a history, and reports the promises that its events break.
 *
 * @throws {RangeError} If an event names an agency above `agencies`.
 */
export function replay(
  { agencies, events }: { agencies: number; events: readonly Event[] },
  faults: FaultList,
): AgencyRecords {
  const records = new Map<number, AgencyRecord>();
  for (let agency = 1; agency <= agencies; agency++) records.set(agency, new AgencyRecord(agency));
  for (const event of events) {
    const record = records.get(event.agency);
    if (record === undefined) throw new RangeError(`there is no agency ${event.agency}`);
    record.add(event, faults);
    if (event.type === "winners") checkDrawTime(event, records, faults);
  }
  return records;
}

function checkDrawTime(
  { agency, server }: { agency: number; server: string },
  records: AgencyRecords,
  faults: FaultList,
): void {
  const open = [...records.values()].filter(({ close }) => close === "not sent");
  if (open.length === 0) return;
  const who = open.map(({ agency }) => agency);
  faults.add("early draw", `${server} sent agency ${agency} its winners before ${who} closed`);
}
