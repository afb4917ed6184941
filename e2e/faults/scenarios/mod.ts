/**
 * All fault runs by name.
 *
 * @module
 */

import { LINUX, LOOP_DISK, PROCESSES, PYTHON, STRACE, TMPFS } from "../requirements.ts";
import type { Verdict } from "../verdict.ts";
import { clients, outages } from "./clients.ts";
import { crowds } from "./crowds.ts";
import { fullDisk } from "./full_disk.ts";
import { halfWritten } from "./half_written.ts";
import { kills } from "./kills.ts";
import { lateRecords } from "./late_records.ts";
import { lateWrites } from "./late_writes.ts";
import { NODE_SCENARIOS } from "./nodes/mod.ts";
import { powerCuts } from "./power_cuts.ts";
import { proxyFaults } from "./proxy_faults.ts";
import type { Scenario } from "./scenario.ts";
import { stops } from "./stops.ts";
import { syncErrors } from "./sync_errors.ts";
import { terms } from "./terms.ts";

/** The fault runs by name. */
export const SCENARIOS: Record<string, Scenario> = {
  "kills": {
    summary: "kill -9 to servers within a write and at random moments, under load",
    count: 25,
    needs: PROCESSES,
    run: kills,
  },
  "stops": {
    summary: "SIGSTOP to servers, SIGCONT once agencies have continued with others",
    count: 8,
    needs: LINUX,
    run: stops,
  },
  "late-writes": {
    summary: "a stopped server resumes with a batch that another one has stored",
    count: 3,
    needs: LINUX,
    run: lateWrites,
  },
  "late-records": {
    summary: "a server starts while another one has appended a round and not recorded it",
    count: 2,
    needs: LINUX,
    run: lateRecords,
  },
  "terms": {
    summary: "SIGTERM to one server after another, under load",
    count: 6,
    needs: PROCESSES,
    run: terms,
  },
  "clients": {
    summary: "kill -9 to clients and servers, with a network that breaks",
    count: 15,
    needs: PROCESSES,
    run: clients,
  },
  "outages": {
    summary: "a client restarts while its load balancer has no server",
    count: 3,
    needs: PROCESSES,
    run: outages,
  },
  "proxy": {
    summary: "connections break at every point of a request and its answer",
    count: 70,
    needs: PROCESSES,
    run: proxyFaults,
  },
  "crowds": {
    summary: "more hostile and slow clients than the server has places for",
    count: 9,
    needs: LINUX,
    run: crowds,
  },
  "full-disk": {
    summary: "the disk fills up, and is enlarged later",
    count: 1,
    needs: TMPFS,
    run: fullDisk,
  },
  "sync-errors": {
    summary: "fdatasync fails with EIO",
    count: 2,
    needs: STRACE,
    run: syncErrors,
  },
  "power-cuts": {
    summary: "the power fails; whatever was not synced is lost",
    count: 3,
    needs: LOOP_DISK,
    run: powerCuts,
  },
  "half-written": {
    summary: "the power fails while the disk holds part of a write",
    count: 6,
    needs: [...LOOP_DISK, PYTHON],
    run: halfWritten,
  },
  ...NODE_SCENARIOS,
};

/** Runs a scenario; an error that stops it becomes a fault of kind "unfinished". */
export async function attempt(run: () => Promise<Verdict>): Promise<Verdict> {
  try {
    return await run();
  } catch (error) {
    const detail = error instanceof Error ? error.stack ?? error.message : String(error);
    return { faults: [{ kind: "unfinished", detail }], figures: {} };
  }
}
