/**
 * Asks all servers of a lottery for their status, again and again, and puts their reports together.
 *
 * @module
 */

import {
  type AgencyView,
  type LotteryView,
  type ServerView,
  VIEW_VERSION,
} from "./lottery_view.ts";
import { type LotteryReport, PHASES, STATUS_VERSION, type StatusReport } from "./report.ts";

/** Where a server reports its status. */
export interface StatusAddress {
  /** What the server is called, `server1`. */
  name: string;
  hostname: string;
  port: number;
}

/** Options of {@linkcode LotteryWatch}. */
export interface LotteryWatchOptions {
  /** Lists the servers. It is asked at each look, since servers come and go. */
  addresses: () => Promise<readonly StatusAddress[]> | readonly StatusAddress[];
  /** How many bets each agency will have, agency 1 first. @default {not known} */
  betsExpected?: readonly number[];
  /** Asks one server. @default {with fetch} */
  ask?: (address: StatusAddress) => Promise<StatusReport>;
  /** A monotonic clock, in milliseconds. @default {performance.now} */
  now?: () => number;
  /** The wall clock, in milliseconds. @default {Date.now} */
  wallClock?: () => number;
}

/** A server that takes longer to answer is silent. */
const ANSWER_MS = 1000;
/** Rates are those of this time. */
const RATE_MS = 3000;

/** What is known of a server. */
interface KnownServer {
  view: ServerView;
  report?: StatusReport;
}

/** The counts at a moment. */
interface Sample {
  atMs: number;
  bets: readonly number[];
}

/** Watches a lottery. It remembers servers that are no longer listed. */
export class LotteryWatch {
  readonly #options: LotteryWatchOptions;
  readonly #now: () => number;
  readonly #servers = new Map<string, KnownServer>();
  #lottery: LotteryReport | undefined;
  #samples: Sample[] = [];

  constructor(options: LotteryWatchOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Asks all servers at once. Never rejects for a server's sake. */
  async look(): Promise<LotteryView> {
    const addresses = await this.#options.addresses();
    const ask = this.#options.ask ?? ((address) => askStatus(address));
    for (const { name } of addresses) {
      if (!this.#servers.has(name)) {
        this.#servers.set(name, { view: newServer(name, this.#time()) });
      }
    }
    await Promise.all(addresses.map(async (address) => {
      const report = await ask(address).catch(() => undefined);
      this.#take(this.#servers.get(address.name)!, report);
    }));
    const listed = new Set(addresses.map(({ name }) => name));
    for (const [name, { view }] of this.#servers) {
      if (!listed.has(name)) this.#change(view, "gone");
    }
    this.#merge();
    return this.#view();
  }

  #take(server: KnownServer, report: StatusReport | undefined): void {
    const { view } = server;
    server.report = report;
    if (report === undefined) return this.#change(view, "silent");
    const { server: about, connections, ledger } = report;
    this.#change(view, about.state);
    Object.assign(view, {
      ready: about.ready,
      reason: about.reason,
      connections: connections?.served ?? null,
      waiting: connections?.waiting ?? null,
      betsStored: ledger?.bets ?? null,
      syncSeconds: ledger?.syncSeconds.p95 ?? null,
      uptimeSeconds: about.uptimeSeconds,
      softwareVersion: about.version,
      host: about.host,
      pid: about.pid,
    });
  }

  #change(view: ServerView, state: ServerView["state"]): void {
    if (view.state !== state) view.since = this.#time();
    view.state = state;
    if (state !== "silent" && state !== "gone") return;
    Object.assign(view, { ready: false, reason: "it does not answer", uptimeSeconds: null });
    Object.assign(view, { connections: null, waiting: null });
  }

  /** Puts the reports together. What no server says any more stays as it was. */
  #merge(): void {
    const reports = Array.from(this.#servers.values(), ({ report }) => report?.lottery)
      .filter((report) => report != null);
    if (reports.length === 0) return;
    // Servers of an earlier draw may still be stopping.
    const latest = reports.reduce((one, other) => other.createdAt > one.createdAt ? other : one);
    const same = reports.filter(({ id }) => id === latest.id);
    if (this.#lottery !== undefined && this.#lottery.id !== latest.id) this.#samples = [];
    const agencies = latest.agencies.map(({ agency }, index) => ({
      agency,
      // One that has just started may not have read everything yet.
      bets: Math.max(...same.map((report) => report.agencies[index].bets)),
      closed: same.some((report) => report.agencies[index].closed),
    }));
    const ranks = same.map(({ phase }) => PHASES.indexOf(phase));
    this.#lottery = {
      ...latest,
      agencies,
      phase: PHASES[Math.max(...ranks)],
      winningNumber: same.find(({ winningNumber }) => winningNumber !== null)?.winningNumber ??
        null,
    };
    const nowMs = this.#now();
    // Before the first bet nobody bets slowly: that time would belittle the rate.
    if (agencies.every(({ bets }) => bets === 0)) this.#samples = [];
    this.#samples.push({ atMs: nowMs, bets: agencies.map(({ bets }) => bets) });
    while (this.#samples.length > 2 && this.#samples[1].atMs <= nowMs - RATE_MS) {
      this.#samples.shift();
    }
  }

  #view(): LotteryView {
    const lottery = this.#lottery;
    const agencies = (lottery?.agencies ?? []).map(({ agency, bets, closed }): AgencyView => ({
      agency,
      bets,
      betsExpected: this.#options.betsExpected?.[agency - 1] ?? null,
      betsPerSecond: this.#rateOf((sample) => sample[agency - 1]),
      state: lottery?.phase === "drawn" ? "drawn" : closed ? "closed" : "betting",
    }));
    const { id = null, createdAt = null, phase, winningNumber = null } = lottery ?? {};
    return {
      version: VIEW_VERSION,
      at: this.#time(),
      source: "servers",
      lottery: phase === undefined ? null : { id, createdAt, phase, winningNumber },
      bets: agencies.reduce((sum, { bets }) => sum + bets, 0),
      betsExpected: this.#options.betsExpected?.reduce((sum, bets) => sum + bets, 0) ?? null,
      betsPerSecond: this.#rateOf((sample) => sample.reduce((sum, bets) => sum + bets, 0)),
      waitingFor: agencies.filter(({ state }) => state === "betting").map(({ agency }) => agency),
      agencies,
      servers: Array.from(this.#servers.values(), ({ view }) => ({ ...view })),
    };
  }

  #rateOf(count: (bets: readonly number[]) => number): number | null {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (first === undefined || last === undefined || first === last) return null;
    const seconds = (last.atMs - first.atMs) / 1000;
    return seconds > 0 ? Math.max(0, count(last.bets) - count(first.bets)) / seconds : null;
  }

  #time(): string {
    return new Date(this.#options.wallClock?.() ?? Date.now()).toISOString();
  }
}

/** A server that has not answered yet. */
function newServer(name: string, since: string): ServerView {
  return {
    name,
    state: "silent",
    since,
    ready: false,
    reason: "it does not answer",
    connections: null,
    waiting: null,
    betsStored: null,
    syncSeconds: null,
    uptimeSeconds: null,
    softwareVersion: null,
    host: null,
    pid: null,
  };
}

/**
 * Asks a server for its report.
 *
 * @param client Asks over TLS, and knows the authority of the server's certificate. @default {over plain HTTP}
 * @throws If it does not answer within a second, or its report has another version.
 */
export async function askStatus(
  { hostname, port }: StatusAddress,
  client?: Deno.HttpClient,
): Promise<StatusReport> {
  const scheme = client === undefined ? "http" : "https";
  const response = await fetch(`${scheme}://${hostname}:${port}/status`, {
    signal: AbortSignal.timeout(ANSWER_MS),
    ...client && { client },
  });
  const report: StatusReport = await response.json();
  if (report.version === STATUS_VERSION) return report;
  throw new Error(`the status of ${hostname}:${port} has version ${report.version}`);
}
