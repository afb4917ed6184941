/**
 * The parts of the benchmark, in the order in which they are measured.
 *
 * @module
 */

import type { Context } from "./context.ts";
import { measureClients, showClients } from "./clients.ts";
import { measureColdDraw, measureWarmDraw, showColdDraws, showWarmDraws } from "./draw.ts";
import { measureIntake, showGrowth, showIntake } from "./intake.ts";
import type { Size } from "./sizes.ts";
import { measureStartup, showStartup } from "./startup.ts";

/** A part of the benchmark. */
export interface Section {
  title: string;
  measure: (context: Context, size: Size) => Promise<SectionResult>;
}

/** What a part of the benchmark has found. */
export interface SectionResult {
  figures: readonly unknown[];
  /** The same for people. */
  table: string;
}

/** The parts by name. */
export const SECTIONS: Readonly<Record<string, Section>> = {
  startup: {
    title: "Starting programs",
    async measure(context) {
      const figures = await measureStartup(context);
      return { figures, table: showStartup(figures) };
    },
  },
  intake: {
    title: "Storing bets",
    measure: (context, { intake }) => measureEach(context, intake, measureIntake, showIntake),
  },
  clients: {
    title: "Sending files with our client, one server",
    measure: (context, { clients }) => measureEach(context, clients, measureClients, showClients),
  },
  coldDraws: {
    title: "Drawing, cold: what bets.csv adds to a server's start",
    measure: (context, { coldDraws }) =>
      measureEach(context, coldDraws, measureColdDraw, showColdDraws),
  },
  warmDraws: {
    title: "Drawing, warm: from the last AgencyClose to the last WinnersResponse",
    measure: (context, { warmDraws }) =>
      measureEach(context, warmDraws, measureWarmDraw, showWarmDraws),
  },
  growth: {
    title: "Storing bets behind others, one server, five agencies, batches of 100",
    measure: (context, { growth }) => measureEach(context, growth, measureIntake, showGrowth),
  },
};

/** Measures cases one after the other. */
async function measureEach<Case, Figures>(
  context: Context,
  cases: readonly Case[],
  measure: (context: Context, what: Case) => Promise<Figures>,
  show: (figures: readonly Figures[]) => string,
): Promise<SectionResult> {
  const figures: Figures[] = [];
  for (const what of cases) figures.push(await measure(context, what));
  return { figures, table: show(figures) };
}
