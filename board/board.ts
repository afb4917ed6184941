/**
 * Watches a lottery, and reports it to everyone who looks at the board.
 *
 * @module
 */

import type { ActionLog } from "../shared/logging.ts";
import { pause } from "../shared/pause.ts";
import type { LotteryView } from "../shared/status/lottery_view.ts";
import type { DrawRecords } from "./draw_records.ts";
import { Pace } from "./pace.ts";
import { ServerMarks } from "./server_marks.ts";
import type { BoardState, DrawOutcome } from "./state.ts";
import { type Look, Timeline } from "./timeline.ts";

/** The pause between two looks. */
const LOOK_MS = 500;

/** Options of {@linkcode Board}. */
export interface BoardOptions {
  /** Looks at the lottery. */
  look: () => Promise<LotteryView>;
  records: DrawRecords;
  log: ActionLog;
  /** A monotonic clock, in milliseconds. @default {performance.now} */
  now?: () => number;
}

/** What a reader of the board already has. */
export interface Known {
  /** The id of the latest event. */
  eventId: number;
  /** The id of the draw whose outcome it has. */
  outcomeId?: string;
}

/** Looks at a lottery again and again. */
export class Board {
  readonly #options: Required<BoardOptions>;
  readonly #id = crypto.randomUUID();
  readonly #marks = new ServerMarks();
  readonly #pace = new Pace();
  readonly #timeline = new Timeline();
  readonly #listeners = new Set<() => void>();
  #look: Look | undefined;
  #outcome: DrawOutcome | undefined;
  /** A record that cannot be read is reported once. */
  #recordFault: string | undefined;

  constructor(options: BoardOptions) {
    this.#options = { now: () => performance.now(), ...options };
  }

  /** Calls `listener` after each look, until the returned function is called. */
  onLook(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Looks until the signal aborts. */
  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const startMs = this.#options.now();
      await this.look();
      await pause(Math.max(0, startMs + LOOK_MS - this.#options.now()), stop);
    }
  }

  /** Looks once. */
  async look(): Promise<void> {
    const view = await this.#options.look();
    const look = { ...view, servers: this.#marks.mark(view) };
    if (view.lottery?.id) {
      this.#pace.take(view.lottery.id, this.#options.now(), view.bets);
      await this.#readOutcome(view.lottery);
    }
    this.#timeline.take(look, this.#outcome);
    this.#look = look;
    for (const listener of this.#listeners) listener();
  }

  /**
   * Returns the next state for a reader, and what the reader has after that. Nothing before the first look.
   */
  tell(known: Known): { state: BoardState; known: Known } | undefined {
    if (this.#look === undefined) return undefined;
    const { version: _version, source: _source, ...look } = this.#look;
    const outcome = this.#outcome?.id === look.lottery?.id ? this.#outcome : undefined;
    const state: BoardState = {
      ...look,
      board: this.#id,
      pace: this.#pace.at(this.#options.now()),
      events: this.#timeline.after(known.eventId),
      outcome: outcome === undefined || outcome.id === known.outcomeId ? null : outcome,
    };
    return { state, known: { eventId: this.#timeline.lastId, outcomeId: outcome?.id } };
  }

  async #readOutcome({ id, phase }: NonNullable<LotteryView["lottery"]>): Promise<void> {
    if (phase !== "drawn" || id === null || this.#outcome?.id === id) return;
    const { records, log } = this.#options;
    try {
      this.#outcome = await records.read(id) ?? this.#outcome;
      this.#recordFault = undefined;
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.#recordFault) log.warning("record", "fail", { id, error: message });
      this.#recordFault = message;
    }
  }
}
