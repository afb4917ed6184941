/**
 * Judges how each server is to be shown, from what was seen of it so far.
 *
 * @module
 */

import { isAnswering, type LotteryView, type ServerView } from "../shared/status/lottery_view.ts";
import type { MarkedServer, ServerMark } from "./state.ts";

/** A server that is expected, or that said it would stop, has this time until it counts as dead. */
const START_MS = 10_000;
/** After the draw servers end one after another: that is no failure. */
const END_MS = 3000;

/** Marks servers. It remembers what they were doing before they stopped answering. */
export class ServerMarks {
  /** The last state in which each server answered, by its name. */
  readonly #lastStates = new Map<string, ServerView["state"]>();

  /** Returns the servers of a view with their marks. */
  mark(view: LotteryView): MarkedServer[] {
    const servers = withoutMoved(view.servers);
    const isOver = view.lottery?.phase === "drawn" && !servers.some(isAnswering);
    return servers.map((server) => {
      if (isAnswering(server)) this.#lastStates.set(server.name, server.state);
      const mark = this.#markOf(server, { atMs: Date.parse(view.at), isOver, view });
      return { ...server, name: titleOf(server, servers), mark };
    });
  }

  #markOf(
    server: ServerView,
    { atMs, isOver, view }: { atMs: number; isOver: boolean; view: LotteryView },
  ): ServerMark {
    if (isAnswering(server)) return server.state === "serving" && server.ready ? "up" : "busy";
    if (isOver) return "stopped";
    const silentMs = atMs - Date.parse(server.since);
    if (view.lottery?.phase === "drawn" && silentMs < END_MS) return "stopped";
    const last = this.#lastStates.get(server.name);
    const isExpected = last === undefined || last === "stopping";
    return isExpected && silentMs < START_MS ? "busy" : "dead";
  }
}

/**
 * Leaves out servers that answer at another address now: a container that starts again may get a new one, and
 * keeps its host name.
 */
function withoutMoved(servers: readonly ServerView[]): ServerView[] {
  const hosts = new Set(
    servers.filter((server) => isAddress(server.name) && isAnswering(server))
      .map(({ host }) => host),
  );
  return servers.filter((server) =>
    !isAddress(server.name) || server.state !== "gone" || !hosts.has(server.host)
  );
}

/** A server that was found by its address is called by the name of its host, if no other one is there. */
function titleOf(server: ServerView, servers: readonly ServerView[]): string {
  const { name, host } = server;
  if (!isAddress(name) || !host) return name;
  return servers.filter((other) => other.host === host).length === 1 ? host : name;
}

function isAddress(name: string): boolean {
  return /^[\d.]+:\d+$/.test(name);
}
