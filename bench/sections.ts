/**
 * The sections of the benchmark, in the order in which they are measured.
 *
 * @module
 */

import { measureClients } from "./clients.ts";
import type { Context } from "./context.ts";
import { measureColdDraw, measureWarmDraw } from "./draw.ts";
import { measureIntake } from "./intake.ts";
import type { Size } from "./sizes.ts";
import { measureStartup } from "./startup.ts";
import * as tables from "./tables.ts";

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
};

/** Measures one case after the other. */
async function measureEach<Case, Figures>(
  context: Context,
  cases: readonly Case[],
  measure: (context: Context, measuredCase: Case) => Promise<Figures>,
  format: (figures: readonly Figures[]) => string,
): Promise<SectionResult> {
  const figures: Figures[] = [];
  for (const measuredCase of cases) figures.push(await measure(context, measuredCase));
  return { figures, table: format(figures) };
}
