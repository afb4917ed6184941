/**
 * All fault runs by their names.
 *
 * @module
 */

import { lacksLinux, lacksLoopDevices, lacksProcesses, lacksStrace } from "../tools_at_hand.ts";
import { lacksTmpfs } from "../tools_at_hand.ts";
import type { RunOptions, Verdict } from "../verdict.ts";
import { clients, outages } from "./clients.ts";
import { crashPoints } from "./crash_points.ts";
import { crowds } from "./crowds.ts";
import { forgedDatagrams, lostDatagrams } from "./datagrams.ts";
import { fullDisk } from "./full_disk.ts";
import { halfWritten } from "./half_written.ts";
import { kills } from "./kills.ts";
import { lateWrites } from "./late_writes.ts";
import { powerCuts } from "./power_cuts.ts";
import { proxyFaults } from "./proxy_faults.ts";
import { stops } from "./stops.ts";
import { syncErrors, writeErrors } from "./sync_errors.ts";
import { terms } from "./terms.ts";
import { tornTails } from "./torn_tails.ts";

/** A fault run. */
export interface Scenario {
  /** What it does, in one line. */
  summary: string;
  /** How many faults, if nothing else is said: what a test run takes. */
  count: number;
  /** Why it cannot run here; nothing if it can. */
  lacks: () => string | undefined;
  run: (options: RunOptions) => Promise<Verdict>;
}

/** The runs by name. */
export const SCENARIOS: Record<string, Scenario> = {
  "kills": {
    summary: "kill -9 to servers at random moments, under load",
    count: 25,
    lacks: lacksProcesses,
    run: kills,
  },
  "crash-points": {
    summary: "a server dies at each point of an append or a close",
    count: 9,
    lacks: lacksLinux,
    run: crashPoints,
  },
  "stops": {
    summary: "SIGSTOP to servers, SIGCONT when agencies have gone on with others",
    count: 8,
    lacks: lacksLinux,
    run: stops,
  },
  "late-writes": {
    summary: "a stopped server goes on with a batch that another one has stored",
    count: 3,
    lacks: lacksLinux,
    run: lateWrites,
  },
  "terms": {
    summary: "SIGTERM to one server after the other, under load",
    count: 6,
    lacks: lacksProcesses,
    run: terms,
  },
  "clients": {
    summary: "kill -9 to clients and servers, behind a network that breaks",
    count: 15,
    lacks: lacksProcesses,
    run: clients,
  },
  "outages": {
    summary: "a client starts again behind a load balancer that has no server for a moment",
    count: 3,
    lacks: lacksProcesses,
    run: outages,
  },
  "proxy": {
    summary: "connections that break at every place of request and answer",
    count: 70,
    lacks: lacksProcesses,
    run: proxyFaults,
  },
  "torn-tails": {
    summary: "what a dead writer can leave behind, planted in the files",
    count: 10,
    lacks: lacksProcesses,
    run: tornTails,
  },
  "lost-datagrams": {
    summary: "no datagram arrives",
    count: 1,
    lacks: lacksProcesses,
    run: lostDatagrams,
  },
  "forged-datagrams": {
    summary: "anyone says bet_ended at any time",
    count: 100,
    lacks: lacksProcesses,
    run: forgedDatagrams,
  },
  "crowds": {
    summary: "hostile and slow clients, more than the server has places",
    count: 9,
    lacks: lacksLinux,
    run: crowds,
  },
  "full-disk": {
    summary: "the disk fills up, and is enlarged later",
    count: 1,
    lacks: lacksTmpfs,
    run: fullDisk,
  },
  "sync-errors": {
    summary: "fdatasync fails with EIO",
    count: 2,
    lacks: lacksStrace,
    run: syncErrors,
  },
  "write-errors": {
    summary: "write fails with EIO",
    count: 2,
    lacks: lacksStrace,
    run: writeErrors,
  },
  "power-cuts": {
    summary: "the power goes; what was not made to last is lost",
    count: 3,
    lacks: lacksLoopDevices,
    run: powerCuts,
  },
  "half-written": {
    summary: "the power goes when the disk has got a half of a write",
    count: 4,
    lacks: lacksLoopDevices,
    run: halfWritten,
  },
};

/** Runs one; what stops the run itself is told as a fault. */
export async function runScenario(name: string, options: RunOptions): Promise<Verdict> {
  return await attempt(() => SCENARIOS[name].run(options));
}

/** Runs `run`; what stops it is told as a fault. */
export async function attempt(run: () => Promise<Verdict>): Promise<Verdict> {
  try {
    return await run();
  } catch (error) {
    const detail = error instanceof Error ? error.stack ?? error.message : String(error);
    return { faults: [{ kind: "unfinished", detail }], figures: {} };
  }
}
