/**
 * One long history of a lottery with more agencies than the protocol numbers today: how much time and memory
 * the appends of a country take. It drives the part of the ledger on JetStream that knows no limit, the log of
 * each agency, on the log in memory. The streams are judged at the end.
 *
 * Run it with `./denow run --allow-read --v8-flags=--expose-gc e2e/simulation/country.ts --agencies 100000`.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { parseArgs } from "node:util";
import { FakeTime } from "@std/testing/time";
import { LedgerFigures } from "../../server/ledger/figures.ts";
import { AgencyLog } from "../../server/ledger/jetstream/agency_log.ts";
import { Patience } from "../../server/ledger/jetstream/patience.ts";
import type { StoredMessage } from "../../server/ledger/jetstream/replicated_log.ts";
import { Turns } from "../../server/ledger/jetstream/turns.ts";
import { MemoryCluster } from "../../server/testing/memory_cluster.ts";
import { Random } from "../../testing/random.ts";

const BATCHES = 3;
const BATCH_BETS = 2;
/** Agencies that are busy at the same time. */
const BUSY_MAX = 5000;
const TURN_MS = 10;
const IMMEDIATES_OF_TURN = 3;
/** One in this many turns, a stream elects a leader, for up to this long. */
const ELECTION = { every: 20, msMax: 4000 };
/** One in this many messages is lost or late. */
const TROUBLE_EVERY = 500;
const DEADLINE_MS = 60_000;

/** Options of {@linkcode runCountry}. */
export interface CountryOptions {
  agencies: number;
  servers: number;
  partitions: number;
  seed?: number;
}

/** What a history took. */
export interface CountryFigures {
  /** Messages in the streams, marks included. */
  messages: number;
  /** Of the simulated clock. */
  lotteryMs: number;
  /** Of the real clock. */
  elapsedMs: number;
  /** Logs of agencies that all servers have kept. */
  logs: number;
  /** Memory of all of these logs, if the garbage collector can be called. Bytes. */
  logBytes: number | undefined;
}

/**
 * Runs the history: each agency asks for its progress, appends its batches and closes, each time on any server.
 *
 * @throws {Error} If a stream does not hold exactly what was acknowledged.
 */
export async function runCountry(options: CountryOptions): Promise<CountryFigures> {
  const startedAt = performance.now();
  using time = new FakeTime(0);
  const country = new Country(options);
  await country.run(time);
  country.judge();
  return { ...country.figures(), lotteryMs: time.now, elapsedMs: performance.now() - startedAt };
}

class Country {
  readonly #options: CountryOptions;
  readonly #random: Random;
  readonly #cluster: MemoryCluster;
  readonly #patience = new Patience({ deadlineMs: DEADLINE_MS, pauseMs: 100, now: Date.now });
  readonly #figures = new LedgerFigures();
  readonly #turns = new Turns(Infinity);
  readonly #servers: Map<number, AgencyLog>[];
  #nextAgency = 1;
  #busy = 0;
  #failure: Error | undefined;

  constructor(options: CountryOptions) {
    const { partitions, seed = 1, servers } = options;
    this.#options = options;
    const random = this.#random = new Random(seed);
    this.#cluster = new MemoryCluster({ partitions, random });
    this.#cluster.fate = () =>
      random.once(TROUBLE_EVERY) ? random.pick(["lost", "late"] as const) : "arrives";
    this.#servers = Array.from({ length: servers }, () => new Map());
  }

  async run(time: FakeTime): Promise<void> {
    const logs = this.#servers.map(() => this.#cluster.connect());
    const { agencies } = this.#options;
    while (this.#busy > 0 || this.#nextAgency <= agencies) {
      while (this.#busy < BUSY_MAX && this.#nextAgency <= agencies) {
        this.#busy++;
        void this.#runAgency(this.#nextAgency++, logs).catch((error) => this.#failure = error)
          .finally(() => this.#busy--);
      }
      if (this.#random.once(ELECTION.every)) {
        this.#random.pick(this.#cluster.streams).elect(this.#random.below(ELECTION.msMax));
      }
      for (let at = 0; at < IMMEDIATES_OF_TURN; at++) await immediate();
      if (this.#failure !== undefined) throw this.#failure;
      time.tick(TURN_MS);
    }
  }

  async #runAgency(
    agency: number,
    logs: readonly ReturnType<MemoryCluster["connect"]>[],
  ): Promise<void> {
    const onAnyServer = () => {
      const at = this.#random.below(logs.length);
      const known = this.#servers[at];
      let log = known.get(agency);
      if (log === undefined) {
        known.set(
          agency,
          log = new AgencyLog(agency, {
            log: logs[at],
            patience: this.#patience,
            figures: this.#figures,
            turns: this.#turns,
          }),
        );
      }
      return log;
    };
    for (let bets = 0; bets < BATCHES * BATCH_BETS; bets += BATCH_BETS) {
      const progress = await onAnyServer().progress();
      expect(progress, { status: "known", bets });
      const rows = new TextEncoder().encode(`${agency},bet ${bets}\n`.repeat(BATCH_BETS));
      const appended = await onAnyServer().append({ rows, count: BATCH_BETS, expectedBets: bets });
      expect(appended, { status: "stored" });
    }
    expect(await onAnyServer().close(), { status: "closed", repeated: false });
  }

  judge(): void {
    const { agencies } = this.#options;
    const ofAgency = new Map<number, StoredMessage[]>();
    for (const message of this.#cluster.stored) {
      const messages = ofAgency.get(message.agency);
      if (messages === undefined) ofAgency.set(message.agency, [message]);
      else messages.push(message);
    }
    if (ofAgency.size !== agencies) throw new Error(`${ofAgency.size} agencies have messages`);
    for (const [agency, messages] of ofAgency) {
      const batches = messages.filter(({ kind }) => kind === "bets").map(({ bets }) => bets);
      const closes = messages.filter(({ kind }) => kind === "close");
      const expected = Array.from({ length: BATCHES }, (_, index) => (index + 1) * BATCH_BETS);
      if (`${batches}` !== `${expected}`) throw new Error(`agency ${agency} has ${batches} bets`);
      const isClosed = closes.length === 1 && messages.at(-1) === closes[0];
      if (!isClosed) throw new Error(`agency ${agency} is not closed once, at its end`);
    }
  }

  figures(): Pick<CountryFigures, "messages" | "logs" | "logBytes"> {
    const messages = this.#cluster.stored.length;
    const logs = this.#servers.reduce((sum, { size }) => sum + size, 0);
    const before = heapBytes();
    for (const known of this.#servers) known.clear();
    const after = heapBytes();
    const logBytes = before === undefined || after === undefined ? undefined : before - after;
    return { messages, logs, logBytes };
  }
}

function expect(actual: object, expected: object): void {
  if (JSON.stringify(actual) === JSON.stringify(expected)) return;
  throw new Error(`${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
}

/** Bytes of the heap that are in use; undefined without --expose-gc. */
function heapBytes(): number | undefined {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) return undefined;
  gc();
  return Deno.memoryUsage().heapUsed;
}

function immediate(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      agencies: { type: "string", default: "100000" },
      servers: { type: "string", default: "20" },
      partitions: { type: "string", default: "16" },
      seed: { type: "string", default: "1" },
    },
  });
  const figures = await runCountry({
    agencies: Number(values.agencies),
    servers: Number(values.servers),
    partitions: Number(values.partitions),
    seed: Number(values.seed),
  });
  console.table(figures);
}
