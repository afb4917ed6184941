/**
 * A lottery as its operators see it: what all of its servers say, put together. The panel of a terminal and the
 * board show this.
 *
 * @module
 */

import type { Phase, ServerState } from "./report.ts";

/** The version of the schema in which `./denow task status --json` prints a view. */
export const VIEW_VERSION = 1;

/** A lottery at a moment. */
export interface LotteryView {
  version: typeof VIEW_VERSION;
  /** When it was put together, in RFC 3339. */
  at: string;
  /** Where the counts come from: `volume` if no server runs, `nothing` if there is no lottery either. */
  source: "servers" | "volume" | "streams" | "nothing";
  /** Nothing until a server has opened its ledger. */
  lottery: {
    /** A UUID; `null` where the volume does not say. */
    id: string | null;
    createdAt: string | null;
    phase: Phase;
    /** `null` before the draw. */
    winningNumber: number | null;
  } | null;
  /** Bets of all agencies. */
  bets: number;
  /** How many bets there will be; `null` if that is not known. */
  betsExpected: number | null;
  /** Of the last seconds; `null` if that is not known yet. */
  betsPerSecond: number | null;
  /** The agencies that have not closed, if the draw waits for them. */
  waitingFor: number[];
  /** Every agency, in the order of their numbers. */
  agencies: AgencyView[];
  /** Every server that is known, in the order in which they became known. */
  servers: ServerView[];
}

/** An agency in a view. */
export interface AgencyView {
  agency: number;
  bets: number;
  /** How many bets it will have; `null` if that is not known. */
  betsExpected: number | null;
  betsPerSecond: number | null;
  state: "betting" | "closed" | "drawn";
}

/**
 * A server in a view. `silent`: it is expected to run, and does not answer. `gone`: it does not answer, and its
 * address is no longer listed.
 */
export interface ServerView {
  name: string;
  state: ServerState | "silent" | "gone";
  /** When its state last changed, in RFC 3339. */
  since: string;
  /** Whether it could store bets now. */
  ready: boolean;
  /** Why not. */
  reason: string | null;
  /** Connections that it serves, and those that wait for the draw. `null` if it has said nothing yet. */
  connections: number | null;
  waiting: number | null;
  /** Bets that it has stored since its start. */
  betsStored: number | null;
  /** 95 of 100 syncs of the last minute took at most this long. */
  syncSeconds: number | null;
  uptimeSeconds: number | null;
  softwareVersion: string | null;
  host: string | null;
  pid: number | null;
}

/** Returns the view of a lottery of which nothing is known yet, or of none at all. */
export function emptyView(source: LotteryView["source"]): LotteryView {
  return {
    version: VIEW_VERSION,
    at: new Date().toISOString(),
    source,
    lottery: null,
    bets: 0,
    betsExpected: null,
    betsPerSecond: null,
    waitingFor: [],
    agencies: [],
    servers: [],
  };
}

/** Returns the phase in words, with the counts that matter in it. */
export function describeView(view: LotteryView): string {
  const { agencies, lottery, source, waitingFor } = view;
  const silent = view.servers.length > 0 && !view.servers.some(isAnswering);
  if (lottery === null) {
    if (source === "nothing") return "There is no lottery: nothing runs, and the volume is empty";
    return silent ? "No server answers" : "The servers are starting";
  }
  const bets = `${count(view.bets)}${of(view.betsExpected)} bets stored`;
  const closed = `${agencies.length - waitingFor.length} of ${agencies.length} agencies closed`;
  const suffix = silent ? "; no server answers" : source === "servers" ? "" : "; no server runs";
  switch (lottery.phase) {
    case "betting":
      return `Bets are open: ${bets}${suffix}`;
    case "waiting":
      return `The draw waits for ${listAgencies(waitingFor)}: ${bets}, ${closed}${suffix}`;
    case "drawn":
      return lottery.winningNumber === null
        ? `Drawn: ${bets}${suffix}`
        : `Drawn: number ${lottery.winningNumber}, ${bets}${suffix}`;
  }
}

/** Whether a server has answered when it was last asked. */
export function isAnswering({ state }: ServerView): boolean {
  return state !== "silent" && state !== "gone";
}

/** Returns a number as people read it: `78,697`. */
export function count(value: number): string {
  return Math.round(value).toLocaleString("en-GB");
}

function of(expected: number | null): string {
  return expected === null ? "" : ` of ${count(expected)}`;
}

const LISTED_MAX = 6;

function listAgencies(agencies: readonly number[]): string {
  const named = agencies.slice(0, LISTED_MAX).map(String);
  const others = agencies.length - named.length;
  if (others > 0) named.push(`${others} others`);
  const list = new Intl.ListFormat("en-GB").format(named);
  return `${agencies.length === 1 ? "agency" : "agencies"} ${list}`;
}
