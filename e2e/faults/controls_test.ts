/**
 * The controls: the same runs with one protection switched off. Each must find the fault that the
 * protection is there for, or it would find nothing at all.
 *
 * @module
 */

import type { FaultKind } from "./checker.ts";
import { clients, outages } from "./scenarios/clients.ts";
import { crashPoints } from "./scenarios/crash_points.ts";
import { crowds } from "./scenarios/crowds.ts";
import { forgedDatagrams, lostDatagrams } from "./scenarios/datagrams.ts";
import { fullDisk } from "./scenarios/full_disk.ts";
import { halfWritten } from "./scenarios/half_written.ts";
import { kills } from "./scenarios/kills.ts";
import { lateWrites } from "./scenarios/late_writes.ts";
import { attempt } from "./scenarios/mod.ts";
import { powerCuts } from "./scenarios/power_cuts.ts";
import { proxyFaults } from "./scenarios/proxy_faults.ts";
import { syncErrors, writeErrors } from "./scenarios/sync_errors.ts";
import { terms } from "./scenarios/terms.ts";
import { tornTails } from "./scenarios/torn_tails.ts";
import {
  lacksLinux,
  lacksLoopDevices,
  lacksProcesses,
  lacksStrace,
  lacksTmpfs,
  unlessLacking,
} from "./tools_at_hand.ts";
import { describeFigures, type Verdict } from "./verdict.ts";

const seed = 7;

/** A run without a protection. */
interface Control {
  name: string;
  /** Why it cannot run here. */
  lack: string | undefined;
  run: () => Promise<Verdict>;
  /** One of these must be found. */
  finds: FaultKind[];
}

const CONTROLS: Control[] = [
  {
    name: "kills find lost bets without the lock",
    lack: lacksProcesses(),
    run: () => kills({ seed, count: 10, unsafe: ["no-lock"] }),
    // A server may see the damage first and refuse to start.
    finds: ["lost", "never sent", "unfinished"],
  },
  {
    name: "crashPoints finds a torn batch without the journal",
    lack: lacksLinux(),
    run: () => crashPoints({ seed, count: 1, unsafe: ["no-journal"] }),
    finds: ["torn batch"],
  },
  {
    name: "tornTails finds what is no row without the repair",
    lack: lacksProcesses(),
    run: () => tornTails({ seed, count: 4, unsafe: ["no-repair"] }),
    finds: ["torn row", "never sent"],
  },
  {
    name: "lateWrites finds doubled bets where servers cannot know what the agency knows",
    lack: lacksLinux(),
    run: () => lateWrites({ seed, count: 1, progress: "asks apart" }),
    finds: ["doubled"],
  },
  {
    name: "proxyFaults finds doubled bets of agencies that never ask for progress",
    lack: lacksProcesses(),
    run: () =>
      proxyFaults({ seed, count: 3, kinds: ["cut before answer"], progress: "never asks" }),
    finds: ["doubled"],
  },
  {
    name: "lostDatagrams finds agencies that wait for ever where servers do not look by themselves",
    lack: lacksProcesses(),
    run: () => lostDatagrams({ seed, count: 1, pollSeconds: 3600 }),
    finds: ["unfinished"],
  },
  {
    name: "forgedDatagrams finds an early draw where a datagram decides",
    lack: lacksProcesses(),
    run: () => forgedDatagrams({ seed, count: 10, unsafe: ["no-closed-check"] }),
    finds: ["early draw"],
  },
  {
    name: "terms find a server that just ends",
    lack: lacksProcesses(),
    run: () => terms({ seed, count: 1, unsafe: ["no-signals"] }),
    finds: ["bad end"],
  },
  {
    name: "clients find doubled bets where a client is told that nothing is stored",
    lack: lacksProcesses(),
    run: () => clients({ seed, count: 5, forgetsProgress: true }),
    finds: ["doubled"],
  },
  {
    name: "outages find doubled bets where one outlasts what a client doubts",
    lack: lacksProcesses(),
    run: () => outages({ seed, count: 1, refusals: [{ count: 8, atOnce: false }] }),
    finds: ["doubled"],
  },
  {
    name: "crowds find agencies that wait for ever where the idle keep their places",
    lack: lacksLinux(),
    run: () =>
      crowds({
        seed,
        count: 1,
        sieges: [{ kind: "idle", size: 300 }],
        environment: { SERVER_CROWDED_IDLE_SECONDS: "60" },
        patienceMs: 5000,
      }),
    finds: ["unfinished"],
  },
  {
    name: "crowds find a server that takes too much memory where packets may be megabytes",
    lack: lacksLinux(),
    run: () =>
      crowds({
        seed,
        count: 1,
        sieges: [{ kind: "half packets", size: 150, halfPacketBytes: 2_000_000 }],
        environment: { SERVER_MAX_PACKET_BYTES: String(4 * 1024 * 1024) },
        patienceMs: 5000,
      }),
    finds: ["memory"],
  },
  {
    name: "fullDisk finds a part of a batch without the cut",
    lack: lacksTmpfs(),
    // What a full disk takes of a write may be less than a row, which leaves no trace.
    run: () => fullDisk({ seed, count: 4, unsafe: ["no-repair"] }),
    finds: ["torn batch", "torn row", "never sent"],
  },
  {
    name: "syncErrors finds a server that goes on after a failed sync",
    lack: lacksStrace(),
    run: () => syncErrors({ seed, count: 1, unsafe: ["no-sync-errors"] }),
    finds: ["bad end"],
  },
  {
    name: "writeErrors finds lost bets where a failed write is not heeded",
    lack: lacksStrace(),
    run: () => writeErrors({ seed, count: 1, unsafe: ["no-write-errors"] }),
    // What is behind the gap is no row, so the server may refuse to go on first.
    finds: ["lost", "never sent", "unfinished"],
  },
  {
    name: "powerCuts finds lost bets without the sync",
    lack: lacksLoopDevices(),
    run: () => powerCuts({ seed, count: 1, unsafe: ["no-sync"] }),
    finds: ["lost"],
  },
  {
    name: "halfWritten finds a part of a batch where nobody knows of a power cut",
    lack: lacksLoopDevices(),
    run: () => halfWritten({ seed, count: 1, isCutTold: false }),
    finds: ["torn batch"],
  },
];

for (const { name, lack, run, finds } of CONTROLS) {
  Deno.test({
    ...unlessLacking(name, lack),
    fn: async () => {
      const { faults, figures } = await attempt(run);
      const kinds = faults.map(({ kind }) => kind);
      if (kinds.some((kind) => finds.includes(kind))) return;
      throw new Error(
        `Expected one of ${finds.join(", ")}, found ${kinds.join(", ") || "nothing"} ` +
          `(${describeFigures(figures)})`,
      );
    },
  });
}
