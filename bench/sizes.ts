/**
 * How much is measured: everything, a few cases, or as little as shows that everything works.
 *
 * @module
 */

import type { BesideCase } from "./beside/beside.ts";
import type { ClientsCase } from "./clients.ts";
import type { CrowdCase } from "./crowd.ts";
import type { WarmDrawCase } from "./draw.ts";
import type { GateCase } from "./gate.ts";
import { BETS_UNLIMITED, type IntakeCase, MAIN_CASE } from "./intake.ts";
import type { QuestionsCase } from "./questions.ts";
import type { Pace } from "./turns.ts";
import type { WatchedCase } from "./watched.ts";

/** What is measured, and for how long. */
export interface Size {
  pace: Pace;
  intake: IntakeCase[];
  gate: GateCase[];
  questions: QuestionsCase[];
  beside: BesideCase[];
  clients: ClientsCase[];
  /** Rows of bets.csv in cold draws. */
  coldDraws: number[];
  warmDraws: WarmDrawCase[];
  growth: IntakeCase[];
  watched: WatchedCase[];
  /** For nodes of each version that is here. */
  ledgers: { agencies: number[]; starts: number[] };
  crowds: Omit<CrowdCase, "nats">[];
}

const SINGLE_BETS: IntakeCase = { ...MAIN_CASE, connections: 16, packet: "StoreBet", betsMax: 1 };
const MILLION = 1_000_000;

/** A few minutes. The largest file comes first, so that it is written once and then truncated. */
const FULL: Size = {
  pace: { runs: 7, seconds: 0.4, warmSeconds: 1 },
  intake: [
    MAIN_CASE,
    { ...MAIN_CASE, connections: 1 },
    { ...MAIN_CASE, connections: 100 },
    { ...MAIN_CASE, betsMax: 1 },
    { ...MAIN_CASE, betsMax: 20 },
    { ...MAIN_CASE, betsMax: BETS_UNLIMITED },
    { ...MAIN_CASE, betsMax: BETS_UNLIMITED, bytesMax: 64 * 1024 },
    SINGLE_BETS,
    { ...MAIN_CASE, servers: 3 },
    { ...MAIN_CASE, servers: 3, connections: 100 },
    { ...MAIN_CASE, servers: 8, connections: 16 },
    { ...MAIN_CASE, servers: 8, connections: 100 },
  ],
  gate: [MAIN_CASE, { ...MAIN_CASE, connections: 100 }, { ...MAIN_CASE, betsMax: 1 }],
  questions: [{ servers: 1, perSecond: 200 }, { servers: 3, perSecond: 200 }],
  beside: [{ connections: 5, bets: 100 }, { connections: 16, bets: 1 }],
  clients: [
    { clients: 5, betsOfEach: 150_000, runs: 5 },
    { clients: 1, betsOfEach: 5 * MILLION, runs: 1 },
  ],
  growth: [20, 5, 1, 0].flatMap((millions) =>
    [1, 100].map((closed) => ({ ...MAIN_CASE, rows: millions * MILLION, closed }))
  ),
  coldDraws: [10 * MILLION, MILLION],
  warmDraws: [
    { rows: 10 * MILLION, servers: 1 },
    { rows: 10 * MILLION, servers: 3 },
    { rows: MILLION, servers: 1 },
  ],
  watched: [{ connections: 5 }, { connections: 100 }],
  ledgers: { agencies: [5, 100], starts: [0, 10 * MILLION] },
  crowds: [500, 9999].map((atOnce) => ({
    agencies: 9999,
    servers: 20,
    batches: 2,
    bets: 10,
    atOnce,
  })),
};

/** Less than a minute. */
const QUICK: Size = {
  pace: { runs: 3, seconds: 0.3, warmSeconds: 0.5 },
  intake: [
    MAIN_CASE,
    { ...MAIN_CASE, connections: 100 },
    { ...MAIN_CASE, betsMax: 20 },
    SINGLE_BETS,
    { ...MAIN_CASE, servers: 3 },
    { ...MAIN_CASE, servers: 8, connections: 16 },
  ],
  questions: [{ servers: 3, perSecond: 200 }],
  beside: [{ connections: 5, bets: 100 }],
  gate: [MAIN_CASE],
  clients: [
    { clients: 5, betsOfEach: 50_000, runs: 3 },
    { clients: 1, betsOfEach: 250_000, runs: 1 },
  ],
  growth: [
    { ...MAIN_CASE, rows: MILLION, closed: 100 },
    { ...MAIN_CASE, rows: 0, closed: 1 },
  ],
  coldDraws: [MILLION],
  warmDraws: [{ rows: MILLION, servers: 1 }, { rows: MILLION, servers: 3 }],
  watched: [{ connections: 5 }],
  ledgers: { agencies: [5, 100], starts: [MILLION] },
  crowds: [{ agencies: 500, servers: 4, batches: 2, bets: 10, atOnce: 500 }],
};

/** A few seconds. The figures mean nothing. */
const SMOKE: Size = {
  pace: { runs: 1, seconds: 0.05, warmSeconds: 0.05 },
  intake: [{ ...MAIN_CASE, servers: 2 }],
  gate: [MAIN_CASE],
  questions: [{ servers: 2, perSecond: 200 }],
  beside: [{ connections: 2, bets: 10 }],
  clients: [{ clients: 1, betsOfEach: 50_000, runs: 1 }],
  growth: [{ ...MAIN_CASE, rows: 50_000, closed: 1 }],
  coldDraws: [50_000],
  warmDraws: [{ rows: 50_000, servers: 2 }],
  watched: [{ connections: 2 }],
  ledgers: { agencies: [2], starts: [17_000] },
  crowds: [{ agencies: 20, servers: 2, batches: 1, bets: 2, atOnce: 20 }],
};

/** The sizes by name. */
export const SIZES = { full: FULL, quick: QUICK, smoke: SMOKE } as const;
