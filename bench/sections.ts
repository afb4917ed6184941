/**
 * The sections of the benchmark, in the order in which they are measured.
 *
 * @module
 */

import { natsServers } from "../testing/nats_server.ts";
import { findMissing } from "../testing/needs.ts";
import type { NatsServer } from "../tools/nodes/nats_server.ts";
import { measureBeside, missingSystems } from "./beside/beside.ts";
import { measureClients } from "./clients.ts";
import type { Context } from "./context.ts";
import { measureCrowd } from "./crowd.ts";
import { measureColdDraw, measureWarmDraw } from "./draw.ts";
import { measureGate } from "./gate.ts";
import { measureIntake } from "./intake.ts";
import { measureLedgers } from "./ledgers.ts";
import { measureLedgerStarts } from "./ledger_starts.ts";
import { measureQuestions } from "./questions.ts";
import type { Size } from "./sizes.ts";
import { measureStartup } from "./startup.ts";
import * as tables from "./tables.ts";
import { measureWatched } from "./watched.ts";

/** A section of the benchmark. */
export interface Section {
  title: string;
  measure: (context: Context, size: Size) => Promise<SectionResult>;
}

/** The results of a section. */
export interface SectionResult {
  figures: readonly unknown[];
  /** The same for people. */
  table: string;
}

/** The sections by name. */
export const SECTIONS: Readonly<Record<string, Section>> = {
  startup: {
    title: "Starting programs",
    async measure(context) {
      const figures = await measureStartup(context);
      return { figures, table: tables.formatStartup(figures) };
    },
  },
  intake: {
    title: "Storing bets",
    measure: (context, { intake }) =>
      measureEach(context, intake, measureIntake, tables.formatIntake),
  },
  gate: {
    title: "TLS and keys: one server, as a ratio to plain TCP",
    async measure(context, { gate }) {
      const missing = findMissing(["openssl"]);
      if (missing !== undefined) return { figures: [], table: `Skipped: this needs ${missing}.` };
      const figures = (await measureAll(context, gate, measureGate)).flat();
      return { figures, table: tables.formatGate(figures) };
    },
  },
  questions: {
    title: "Storing bets beside questions: ProgressRequests, each on a new connection",
    measure: (context, { questions }) =>
      measureEach(context, questions, measureQuestions, tables.formatQuestions),
  },
  beside: {
    title: "Ours beside other systems: one server, a batch is durable before it is answered",
    async measure(context, { beside }) {
      const figures = (await measureAll(context, beside, measureBeside)).flat();
      const missing = missingSystems().map((what) => `Not measured: this needs ${what}.`);
      return { figures, table: [tables.formatBeside(figures), ...missing].join("\n") };
    },
  },
  clients: {
    title: "Sending files with our client to one server",
    measure: (context, { clients }) =>
      measureEach(context, clients, measureClients, tables.formatClients),
  },
  coldDraws: {
    title: "Drawing, cold: what bets.csv adds to a server's start",
    measure: (context, { coldDraws }) =>
      measureEach(context, coldDraws, measureColdDraw, tables.formatColdDraws),
  },
  warmDraws: {
    title: "Drawing, warm: from the last AgencyClose to the last WinnersResponse",
    measure: (context, { warmDraws }) =>
      measureEach(context, warmDraws, measureWarmDraw, tables.formatWarmDraws),
  },
  growth: {
    title: "Storing bets on a growing volume: one server, five agencies, batches of 100",
    measure: (context, { growth }) =>
      measureEach(context, growth, measureIntake, tables.formatGrowth),
  },
  watched: {
    title: "Being watched: a status port, and a board with a page open, against neither",
    measure: (context, { watched }) =>
      measureEach(context, watched, measureWatched, tables.formatWatched),
  },
  ledgers: {
    title: "Files and JetStream side by side: one server, batches of 100",
    measure: (context, { ledgers }) =>
      measureNodes(async (servers) => {
        const cases = servers.flatMap((nats) =>
          ledgers.agencies.map((agencies) => ({ nats, agencies }))
        );
        const sides = (await measureAll(context, cases, measureLedgers)).flat();
        const startCases = ledgers.starts.map((bets) => ({ nats: newestOf(servers), bets }));
        const starts = await measureAll(context, startCases, measureLedgerStarts);
        const tablesOfBoth = [tables.formatLedgers(sides), tables.formatLedgerStarts(starts)];
        return { figures: [...sides, ...starts], table: tablesOfBoth.join("\n\n") };
      }),
  },
  crowd: {
    title: "A whole lottery of many agencies, on many servers and three nodes of JetStream",
    measure: (context, { crowds }) =>
      measureNodes((servers) => {
        const cases = crowds.map((crowd) => ({ ...crowd, nats: newestOf(servers) }));
        return measureEach(context, cases, measureCrowd, tables.formatCrowds);
      }),
  },
};

/** Measures with every nats-server that is here, the oldest first. Says what is missing if there is none. */
function measureNodes(
  measure: (servers: readonly NatsServer[]) => Promise<SectionResult>,
): Promise<SectionResult> {
  const missing = findMissing(["natsServer"]);
  if (missing === undefined) return measure(natsServers());
  return Promise.resolve({ figures: [], table: `Skipped: this needs ${missing}.` });
}

function newestOf(servers: readonly NatsServer[]): NatsServer {
  return servers[servers.length - 1];
}

/** Measures one case after the other. */
async function measureAll<Case, Figures>(
  context: Context,
  cases: readonly Case[],
  measure: (context: Context, measuredCase: Case) => Promise<Figures>,
): Promise<Figures[]> {
  const figures: Figures[] = [];
  for (const measuredCase of cases) figures.push(await measure(context, measuredCase));
  return figures;
}

/** Measures one case after the other, and formats them. */
async function measureEach<Case, Figures>(
  context: Context,
  cases: readonly Case[],
  measure: (context: Context, measuredCase: Case) => Promise<Figures>,
  format: (figures: readonly Figures[]) => string,
): Promise<SectionResult> {
  const figures = await measureAll(context, cases, measure);
  return { figures, table: format(figures) };
}
