/**
 * What the board sends to its page: one JSON object, several times a second.
 *
 * @module
 */

import type { AgencyView, LotteryView, ServerView } from "../shared/status/lottery_view.ts";

/**
 * How a server is shown.
 *
 * - `up`: it could store bets now.
 * - `busy`: it starts, stops, or says why it could not store bets.
 * - `dead`: it should answer, and does not.
 * - `stopped`: it has ended after the draw, when nobody needs it any more.
 */
export type ServerMark = "up" | "busy" | "dead" | "stopped";

/** A server, and how it is shown. */
export interface MarkedServer extends ServerView {
  mark: ServerMark;
}

/** Something that has happened. */
export type Happening =
  /** The board has found a lottery. */
  | { kind: "found"; agencies: number; closed: number; bets: number }
  /** Agencies have closed. */
  | { kind: "closed"; agencies: number[] }
  /** Every agency has closed. */
  | { kind: "drawn"; number: number | null; bets: number }
  /** The record of the draw is there. */
  | { kind: "recorded"; winners: number }
  /** Servers answer for the first time. */
  | { kind: "up"; servers: string[] }
  /** Servers do not answer any more. */
  | { kind: "dead"; servers: string[] }
  /** A server answers again, after this time. */
  | { kind: "back"; server: string; seconds: number }
  /** A server could not store bets. */
  | { kind: "unready"; server: string; reason: string }
  /** A server can store bets again. */
  | { kind: "ready"; server: string }
  /** Servers have ended after the draw. */
  | { kind: "stopped"; servers: string[] };

/** A happening and its place in the order. */
export type BoardEvent = Happening & {
  /** Increases from event to event. */
  id: number;
  /** When the board noticed it, in RFC 3339. */
  at: string;
};

/** How many bets a second were stored, some time ago. */
export type PacePoint = [msAgo: number, betsPerSecond: number];

/** The outcome of a draw, as the board shows it. */
export interface DrawOutcome {
  /** The id of the lottery. */
  id: string;
  winningNumber: number;
  /** When every agency had closed, in RFC 3339. */
  drawnAt: string;
  bets: number;
  /** Winners of all agencies. */
  winners: number;
  agencies: AgencyOutcome[];
}

/** The winners of an agency. */
export interface AgencyOutcome {
  agency: number;
  bets: number;
  winners: number;
  /** Documents of winners, masked unless the board may show them; the first ones, if there are many. */
  documents: string[];
}

/** Everything that the page shows. */
export interface BoardState extends Omit<LotteryView, "servers" | "version" | "source"> {
  /** Changes when the board starts again: a page then forgets the events that it knows. */
  board: string;
  agencies: AgencyView[];
  servers: MarkedServer[];
  /** The last minute, oldest first. */
  pace: PacePoint[];
  /** The events that this page has not had yet. */
  events: BoardEvent[];
  /** Nothing as long as there is no record of the draw, or if this page has had it. */
  outcome: DrawOutcome | null;
}
