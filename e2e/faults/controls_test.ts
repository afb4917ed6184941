/**
 * The controls of the runs with files: the same runs with one protection switched off.
 *
 * @module
 */

import { type Control, testControls } from "./controls.ts";
import { LINUX, LOOP_DISK, PROCESSES, STRACE, TMPFS } from "./requirements.ts";
import { clients, outages } from "./scenarios/clients.ts";
import { crowds } from "./scenarios/crowds.ts";
import { fullDisk } from "./scenarios/full_disk.ts";
import { kills } from "./scenarios/kills.ts";
import { lateRecords } from "./scenarios/late_records.ts";
import { lateWrites } from "./scenarios/late_writes.ts";
import { powerCuts } from "./scenarios/power_cuts.ts";
import { proxyFaults } from "./scenarios/proxy_faults.ts";
import { syncErrors } from "./scenarios/sync_errors.ts";
import { terms } from "./scenarios/terms.ts";

const seed = 7;

const CONTROLS: Control[] = [
  {
    name: "kills() finds lost bets without the lock",
    needed: PROCESSES,
    run: () => kills({ seed, count: 10, unsafe: ["no-lock"] }),
    // A server may see the damage first and refuse to start.
    finds: ["lost", "never sent", "unfinished"],
  },
  {
    name: "kills() finds a torn batch without the journal",
    needed: PROCESSES,
    run: () => kills({ seed, count: 3, unsafe: ["no-journal"] }),
    finds: ["torn batch"],
  },
  {
    name: "kills() finds part of a batch without truncation",
    needed: PROCESSES,
    run: () => kills({ seed, count: 1, unsafe: ["no-repair"] }),
    finds: ["torn batch", "torn row", "never sent"],
  },
  {
    name: "lateWrites() finds duplicates where servers cannot know what the agency knows",
    needed: LINUX,
    run: () => lateWrites({ seed, count: 1, progress: "asks apart" }),
    finds: ["duplicate"],
  },
  {
    name: "lateRecords() finds a lost batch where servers that start take others for dead",
    needed: LINUX,
    run: () => lateRecords({ seed, count: 1, unsafe: ["no-log-lock", "no-log-watch"] }),
    finds: ["lost"],
  },
  {
    name: "proxyFaults() finds duplicates from agencies that never ask for progress",
    needed: PROCESSES,
    run: () =>
      proxyFaults({ seed, count: 3, kinds: ["cut before answer"], progress: "never asks" }),
    finds: ["duplicate"],
  },
  {
    name: "terms() finds a server that exits without handling SIGTERM",
    needed: PROCESSES,
    run: () => terms({ seed, count: 1, unsafe: ["no-signals"] }),
    finds: ["bad exit"],
  },
  {
    name: "clients() finds duplicates where servers report no progress",
    needed: PROCESSES,
    run: () => clients({ seed, count: 5, hidesProgress: true }),
    finds: ["duplicate"],
  },
  {
    name: "outages() finds duplicates from a client that an outage may mislead",
    needed: PROCESSES,
    run: () => {
      const refusals = [{ count: 8, atOnce: false }];
      return outages({ seed, count: 1, refusals, legacyServer: true });
    },
    finds: ["duplicate"],
  },
  {
    name: "crowds() finds blocked agencies where no connection makes room",
    needed: LINUX,
    run: () =>
      crowds({
        seed,
        count: 1,
        sieges: [{ kind: "idle", size: 300 }],
        // A single place is served to its end, so the agency must not compete with another one.
        agencies: 1,
        env: { SERVER_MAX_CONNECTIONS: "1", SERVER_CROWDED_IDLE_SECONDS: "60" },
        timeoutMs: 5000,
      }),
    finds: ["unfinished"],
  },
  {
    name: "crowds() finds a server that exits too late",
    needed: LINUX,
    run: () =>
      crowds({
        seed,
        count: 1,
        sieges: [{ kind: "vanishing", size: 10 }],
        unsafe: ["no-prompt-exit"],
        timeoutMs: 5000,
      }),
    finds: ["bad exit"],
  },
  {
    name: "crowds() finds a server that takes too much memory where packets may have megabytes",
    needed: LINUX,
    run: () =>
      crowds({
        seed,
        count: 1,
        sieges: [{ kind: "half packets", size: 150, halfPacketBytes: 2_000_000 }],
        env: { SERVER_MAX_PACKET_BYTES: String(4 * 1024 * 1024) },
        timeoutMs: 5000,
      }),
    finds: ["memory"],
  },
  {
    name: "fullDisk() finds part of a batch without truncation",
    needed: TMPFS,
    // What a full disk takes of a write may be less than a row, which leaves no trace.
    // And what is left needs room for its copy, so that servers hardly get to refuse batches.
    run: () => fullDisk({ seed, count: 4, unsafe: ["no-repair"], refusedMin: 1 }),
    finds: ["torn batch", "torn row", "never sent"],
  },
  {
    name: "syncErrors() finds a server that goes on after a failed sync",
    needed: STRACE,
    run: () => syncErrors({ seed, count: 1, unsafe: ["no-sync-errors"] }),
    finds: ["bad exit"],
  },
  {
    name: "powerCuts() finds lost bets without syncs",
    needed: LOOP_DISK,
    run: () => powerCuts({ seed, count: 1, unsafe: ["no-sync"] }),
    finds: ["lost"],
  },
  {
    name: "powerCuts() finds lost bets without syncs of the redo logs",
    needed: LOOP_DISK,
    run: () => powerCuts({ seed, count: 3, unsafe: ["no-log-sync"] }),
    finds: ["lost"],
  },
  {
    name: "powerCuts() finds missing bets where a checkpoint is recorded before bets.csv is synced",
    needed: LOOP_DISK,
    run: () => powerCuts({ seed, count: 2, unsafe: ["no-checkpoint-order"] }),
    // Servers see the damage first, and refuse to start.
    finds: ["lost", "unfinished"],
  },
];

testControls(CONTROLS);
