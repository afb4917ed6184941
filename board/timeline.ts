/**
 * Notices what happens in a lottery, by comparing each look at it with the one before.
 *
 * @module
 */

import type { LotteryView } from "../shared/status/lottery_view.ts";
import type { BoardEvent, DrawOutcome, Happening, MarkedServer } from "./state.ts";

/** Most events that are kept: the latest ones. */
export const EVENTS_MAX = 200;

/** A look at the lottery: {@linkcode LotteryView} with its servers marked. */
export interface Look extends Omit<LotteryView, "servers"> {
  servers: MarkedServer[];
}

/** The events of a lottery. */
export class Timeline {
  #events: BoardEvent[] = [];
  #lastId = 0;
  #last: Look | undefined;
  #recorded: string | undefined;
  /** When servers died, by their names. */
  readonly #deaths = new Map<string, number>();
  /** Servers that have answered once. */
  readonly #known = new Set<string>();

  /** Returns the events after the one with this id; all that are kept, for 0. */
  after(id: number): BoardEvent[] {
    const count = this.#lastId - id;
    return count <= 0 ? [] : this.#events.slice(-count);
  }

  /** The id of the latest event. */
  get lastId(): number {
    return this.#lastId;
  }

  /** Takes the next look. */
  take(look: Look, outcome?: DrawOutcome): void {
    const happenings = [...this.#ofServers(look), ...this.#ofLottery(look)];
    if (outcome !== undefined && this.#recorded !== outcome.id) {
      this.#recorded = outcome.id;
      happenings.push({ kind: "recorded", winners: outcome.winners });
    }
    for (const happening of happenings) {
      this.#events.push({ ...happening, id: ++this.#lastId, at: look.at });
    }
    this.#events = this.#events.slice(-EVENTS_MAX);
    this.#last = look;
  }

  #ofLottery(look: Look): Happening[] {
    const { lottery, agencies, bets } = look;
    if (lottery === null) return [];
    const happenings: Happening[] = [];
    const closed = agencies.filter(({ state }) => state !== "betting");
    const before = this.#last?.lottery?.id === lottery.id ? this.#last : undefined;
    if (before === undefined) {
      const found = { agencies: agencies.length, closed: closed.length, bets };
      happenings.push({ kind: "found", ...found });
    } else {
      const newly = closed.filter(({ agency }) => before.agencies[agency - 1].state === "betting");
      if (newly.length > 0) {
        happenings.push({ kind: "closed", agencies: newly.map(({ agency }) => agency) });
      }
    }
    if (lottery.phase === "drawn" && before?.lottery?.phase !== "drawn") {
      happenings.push({ kind: "drawn", number: lottery.winningNumber, bets });
    }
    return happenings;
  }

  #ofServers({ servers, at }: Look): Happening[] {
    const happenings: Happening[] = [];
    const [up, dead, stopped]: string[][] = [[], [], []];
    for (const server of servers) {
      const { name, mark } = server;
      const before = this.#last?.servers.find((other) => other.name === name);
      if (before?.mark === mark) continue;
      switch (mark) {
        case "up":
          happenings.push(...this.#rise(server, before, at));
          if (!this.#known.has(name)) up.push(name);
          this.#known.add(name);
          break;
        case "busy":
          if (before?.mark === "up" && server.state === "serving") {
            happenings.push({ kind: "unready", server: name, reason: server.reason ?? "" });
          }
          break;
        case "dead":
          this.#deaths.set(name, Date.parse(server.since));
          dead.push(name);
          break;
        case "stopped":
          if (this.#known.has(name)) stopped.push(name);
      }
    }
    if (up.length > 0) happenings.unshift({ kind: "up", servers: up });
    if (dead.length > 0) happenings.push({ kind: "dead", servers: dead });
    if (stopped.length > 0) happenings.push({ kind: "stopped", servers: stopped });
    return happenings;
  }

  /** A server can store bets, and could not before. */
  #rise(server: MarkedServer, before: MarkedServer | undefined, at: string): Happening[] {
    const { name } = server;
    const diedMs = this.#deaths.get(name);
    this.#deaths.delete(name);
    if (diedMs !== undefined && this.#known.has(name)) {
      const seconds = Math.max(0, Date.parse(at) - diedMs) / 1000;
      return [{ kind: "back", server: name, seconds }];
    }
    const wasUnready = before?.mark === "busy" && before.state === "serving";
    return this.#known.has(name) && wasUnready ? [{ kind: "ready", server: name }] : [];
  }
}
