/**
 * The judge. It sees what agencies sent and were told, and the two files of the volume, and knows
 * nothing of how servers work.
 *
 * @module
 */

import { CutBatches } from "./cut_batches.ts";
import type { Event } from "./history.ts";
import { indexOf, rowOf, winnersOf } from "./made_bets.ts";

/** What the judge looks at. */
export interface Evidence {
  /** AGENCIES_AMOUNT. */
  agencies: number;
  events: readonly Event[];
  /** bets.csv. */
  bets: Uint8Array;
  /** agencies_closed.txt. */
  closed: string;
  /** Whether every agency came to its end, so that all of it must be there. */
  isComplete: boolean;
}

/** The kinds of fault that {@linkcode check} finds. */
export type FaultKind =
  /** An acknowledged bet or close is not there. */
  | "lost"
  /** A bet or close is there more than once. */
  | "doubled"
  /** A row is no bet that was sent. */
  | "never sent"
  | "out of order"
  /** A part of a batch is there, and no power cut has met it. */
  | "torn batch"
  | "torn row"
  /** A bet came behind its agency's close. */
  | "late"
  | "early draw"
  | "wrong winners"
  /** A run that should have ended has not. */
  | "unfinished"
  /** A process ended otherwise than it should. */
  | "bad end"
  /** A server took more memory than it may. */
  | "memory";

/** One promise that was not kept. */
export interface Fault {
  kind: FaultKind;
  detail: string;
}

/** Faults of one kind that are told; the rest are counted. */
const TOLD_MAX = 5;

/** Decides whether every promise was kept; returns each that was not. */
export function check(evidence: Evidence): Fault[] {
  const faults = new Faults();
  const told = tellOf(evidence, faults);
  walkRows(evidence, told, faults);
  for (const [agency, what] of told) checkAgency(agency, what, { evidence, faults });
  checkClosed(evidence, told, faults);
  checkWinners(evidence, told, faults);
  return faults.list();
}

/** How many batches are there in part because a power cut has met them, as far as servers have told. */
export function countCutBatches({ agencies, events }: Evidence): number {
  const told = tellOf({ agencies, events }, new Faults());
  return [...told.values()].reduce((sum, { cut }) => sum + cut.ends.size, 0);
}

/** Writes faults for people, one a line. */
export function describeFaults(faults: readonly Fault[]): string {
  return faults.map(({ kind, detail }) => `  ${kind}: ${detail}`).join("\n");
}

class Faults {
  readonly #byKind = new Map<FaultKind, string[]>();

  add(kind: FaultKind, detail: string): void {
    const details = this.#byKind.get(kind) ?? [];
    this.#byKind.set(kind, details);
    details.push(detail);
  }

  list(): Fault[] {
    const faults: Fault[] = [];
    for (const [kind, details] of this.#byKind) {
      for (const detail of details.slice(0, TOLD_MAX)) faults.push({ kind, detail });
      const more = details.length - TOLD_MAX;
      if (more > 0) faults.push({ kind, detail: `… and ${more} more of this kind` });
    }
    return faults;
  }
}

/** What is known of one agency. */
class Told {
  sentTo = 0;
  /** Ends of batches that were sent: the agency's bets can only end there, but for power cuts. */
  readonly batchEnds = new Set<number>([0]);
  readonly cut = new CutBatches();
  /** All bets before this one were acknowledged, or reported as stored for good. */
  acknowledgedTo = 0;
  isClosing = false;
  isClosed = false;
  /** Bytes of bets.csv when the close was confirmed. */
  closedAt = Infinity;
  /** How often each bet is in bets.csv. */
  seen = new Uint8Array();
  rows = 0;
  highest = -1;
  /** Of the row of bet `highest`. */
  highestOffset = 0;
}

/** What the events tell of each agency. */
function tellOf({ agencies, events }: Pick<Evidence, "agencies" | "events">, faults: Faults) {
  const told = new Map<number, Told>();
  for (let agency = 1; agency <= agencies; agency++) told.set(agency, new Told());
  for (const event of events) {
    if (event.type === "power cut") {
      for (const { cut, acknowledgedTo } of told.values()) cut.powerCut(acknowledgedTo);
    } else if (event.type === "power back") {
      for (const { cut } of told.values()) cut.powerBack(event.fileSize);
    } else takeEvent(event, told, faults);
  }
  return told;
}

type AgencyEvent = Exclude<Event, { type: "power cut" | "power back" }>;

function takeEvent(event: AgencyEvent, told: Map<number, Told>, faults: Faults): void {
  const what = told.get(event.agency);
  if (what === undefined) throw new RangeError(`there is no agency ${event.agency}`);
  const { agency } = event;
  switch (event.type) {
    case "sent":
      what.sentTo = Math.max(what.sentTo, event.to);
      what.batchEnds.add(event.to);
      what.cut.sent(event);
      break;
    case "refused":
      what.cut.answered(event);
      break;
    case "stored":
      what.cut.answered(event);
      if (what.isClosed) {
        faults.add("late", `agency ${agency}: bets ${span(event)} acknowledged after the close`);
      }
      what.acknowledgedTo = Math.max(what.acknowledgedTo, event.to);
      break;
    case "progress":
      what.cut.told(event.bets);
      checkProgress(event, what, faults);
      what.acknowledgedTo = Math.max(what.acknowledgedTo, event.bets);
      break;
    case "close sent":
      what.isClosing = true;
      break;
    case "closed":
      what.isClosed = true;
      what.closedAt = Math.min(what.closedAt, event.fileSize);
      break;
    case "winners": {
      const open = [...told].filter(([, { isClosing }]) => !isClosing).map(([number]) => number);
      if (open.length === 0) break;
      faults.add(
        "early draw",
        `agency ${agency} was told winners by ${event.server} before ${open} closed`,
      );
    }
  }
}

function checkProgress(event: { agency: number; bets: number }, what: Told, faults: Faults): void {
  const { agency, bets } = event;
  const says = `agency ${agency}: a server says that ${bets} bets are stored`;
  if (bets < what.acknowledgedTo) {
    faults.add("lost", `${says}, but ${what.acknowledgedTo} were acknowledged`);
  }
  if (bets > what.sentTo) faults.add("never sent", `${says}, but ${what.sentTo} were sent`);
  else if (!what.batchEnds.has(bets) && !what.cut.ends.has(bets)) {
    faults.add("torn batch", `${says}, and no batch ends there`);
  }
}

function walkRows(evidence: Evidence, told: Map<number, Told>, faults: Faults): void {
  const { bets } = evidence;
  const decoder = new TextDecoder();
  for (const what of told.values()) what.seen = new Uint8Array(what.sentTo);
  let from = 0;
  for (let line = 1; from < bets.length; line++) {
    const end = bets.indexOf(0x0a, from);
    if (end < 0) {
      faults.add("torn row", `line ${line} at byte ${from} has no end`);
      return;
    }
    const row = decoder.decode(bets.subarray(from, end));
    checkRow({ row, line, offset: from }, told, faults);
    from = end + 1;
  }
}

/** A row of bets.csv and its place. */
interface Row {
  row: string;
  line: number;
  offset: number;
}

function checkRow({ row, line, offset }: Row, told: Map<number, Told>, faults: Faults): void {
  const match = /^(\d+),.*,(\d+),[^,]*,[^,]*$/.exec(row);
  const agency = Number(match?.[1]);
  const what = told.get(agency);
  const index = match === null || what === undefined ? -1 : indexOf(agency, match[2]);
  if (what === undefined || index < 0 || index >= what.sentTo || rowOf(agency, index) !== row) {
    faults.add("never sent", `line ${line}: ${JSON.stringify(row.slice(0, 120))}`);
    return;
  }
  const which = `line ${line}: bet ${index + 1} of agency ${agency}`;
  what.rows++;
  if (what.seen[index] > 0) faults.add("doubled", which);
  else if (index < what.highest) {
    faults.add("out of order", `${which} stands behind bet ${what.highest + 1}`);
  }
  if (offset >= what.closedAt) {
    faults.add("late", `${which}, at byte ${offset}; it had closed at ${what.closedAt}`);
  }
  if (offset >= (what.cut.ends.get(index + 1) ?? Infinity)) {
    faults.add("torn batch", `${which}, at byte ${offset}: no power cut has met its batch there`);
  }
  what.seen[index] = Math.min(255, what.seen[index] + 1);
  if (index > what.highest) what.highestOffset = offset;
  what.highest = Math.max(what.highest, index);
}

function checkAgency(
  agency: number,
  what: Told,
  { evidence, faults }: { evidence: Evidence; faults: Faults },
): void {
  const lost = what.seen.subarray(0, what.acknowledgedTo).reduce(
    (count, seen) => count + (seen === 0 ? 1 : 0),
    0,
  );
  if (lost > 0) {
    const first = what.seen.indexOf(0) + 1;
    faults.add(
      "lost",
      `agency ${agency}: ${lost} of ${what.acknowledgedTo} acknowledged bets, bet ${first} first`,
    );
  }
  const stored = what.highest + 1;
  const gap = what.seen.subarray(0, stored).indexOf(0);
  if (gap >= what.acknowledgedTo) {
    faults.add("out of order", `agency ${agency}: bet ${gap + 1} is missing, later ones are there`);
  } else if (!what.batchEnds.has(stored) && !what.cut.mayEndAt(stored, what.highestOffset)) {
    faults.add("torn batch", `agency ${agency} has ${stored} bets, and no batch ends there`);
  }
  if (evidence.isComplete && !what.isClosed) {
    faults.add("unfinished", `agency ${agency} did not come to its close`);
  }
}

function checkClosed(evidence: Evidence, told: Map<number, Told>, faults: Faults): void {
  const { closed } = evidence;
  const lines = closed.split("\n");
  if (lines.pop() !== "") faults.add("torn row", "agencies_closed.txt does not end in a line end");
  for (const line of new Set(lines)) {
    const times = lines.filter((other) => other === line).length;
    if (times > 1) faults.add("doubled", `agency ${line} is in agencies_closed.txt ${times} times`);
    if (told.get(Number(line))?.isClosing !== true) {
      faults.add("never sent", `agencies_closed.txt has ${JSON.stringify(line)}`);
    }
  }
  for (const [agency, { isClosed }] of told) {
    if (isClosed && !lines.includes(String(agency))) {
      faults.add("lost", `close of agency ${agency}`);
    }
  }
}

function checkWinners(evidence: Evidence, told: Map<number, Told>, faults: Faults): void {
  for (const event of evidence.events) {
    if (event.type !== "winners") continue;
    const { agency, documents, server } = event;
    const right = winnersOf(agency, told.get(agency)!.highest + 1);
    if (documents.join(";") === right.join(";")) continue;
    faults.add(
      "wrong winners",
      `agency ${agency} was told ${documents.length} documents by ${server}, ` +
        `where the bets have ${right.length}; first difference: ${
          firstDifference(documents, right)
        }`,
    );
  }
}

function firstDifference(one: readonly string[], other: readonly string[]): string {
  const at = one.findIndex((document, index) => document !== other[index]);
  const index = at < 0 ? one.length : at;
  return `${one[index] ?? "none"} instead of ${other[index] ?? "none"}`;
}

function span({ from, to }: { from: number; to: number }): string {
  return `${from + 1} to ${to}`;
}
