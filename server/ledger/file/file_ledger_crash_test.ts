/**
 * Everything that a disk can do to the ledger, at every operation: failures, short writes, killed processes,
 * power cuts.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { canFail, type Plan, PLANS } from "../../testing/fault_plans.ts";
import { Random } from "../../../testing/random.ts";
import { type OpenedLedger, openLedger } from "../../testing/ledgers.ts";
import { type Fault, MemoryDisk, type MemoryProcess } from "../../testing/memory_disk.ts";
import type { DiskFile } from "../disk.ts";
import { parseJournal } from "./round_journal.ts";
import { DISK_FAILURE_FILE, JOURNAL_FILE, LOG_PREFIX } from "./volume_files.ts";
import { Witness } from "../../testing/witness.ts";

/** A scenario: what happens before the fault, and what happens while it strikes. */
interface Scenario {
  prepare?: (disk: MemoryDisk, witness: Witness) => Promise<void>;
  act: (disk: MemoryDisk, witness: Witness, process: MemoryProcess) => Promise<void>;
}

/** Switches off a protection of a process, for the controls. */
type Weaken = (process: MemoryProcess) => void;

/** A scenario with a plan. */
interface Play {
  name: string;
  plan: Plan;
  scenario: Scenario;
  weaken?: Weaken;
}

/** Plays a scenario once for each operation that a plan strikes, and judges the results. */
async function playAll(play: Play): Promise<void> {
  for (const strike of await strikesOf(play)) await playStruck(play, strike);
}

/** Returns which operations of a scenario a plan strikes, counted from its beginning. */
async function strikesOf({ plan, scenario: { prepare, act }, weaken }: Play): Promise<number[]> {
  const disk = new MemoryDisk();
  const witness = new Witness();
  await prepare?.(disk, witness);
  const begin = disk.operations;
  const strikes: number[] = [];
  disk.fault = (operation) => {
    if (plan.strikes(operation)) strikes.push(operation.number - begin);
    return undefined;
  };
  const process = disk.process();
  weaken?.(process);
  await act(disk, witness, process);
  return strikes;
}

async function playStruck({ name, plan, scenario, weaken }: Play, strike: number): Promise<void> {
  const disk = new MemoryDisk();
  const witness = new Witness();
  await scenario.prepare?.(disk, witness);
  const struck = disk.operations + strike;
  let what = "";
  disk.fault = (operation) => {
    const fault = operation.number < struck ? undefined : plan.fault(operation, struck);
    if (fault !== undefined) what ||= `${operation.kind} ${operation.file}`;
    return fault;
  };
  const process = disk.process();
  weaken?.(process);
  await scenario.act(disk, witness, process);
  process.kill();
  disk.fault = () => undefined;
  const when = `${what} (operation ${strike}) ${name}`;
  // The power cut first: the next judgment continues on this disk, and so syncs it.
  await witness.judgeAfterPowerCut(disk, when);
  // A disk that has failed for good does not return without a power cut.
  if (plan !== PLANS["fails from then on"]) {
    await storeOneMore(disk, witness);
    await witness.judgeAfterPowerCut(disk, `${when}, then another server stored a bet`);
  }
  try {
    await witness.judge(disk, { when });
  } catch (cause) {
    throw new Error(`after ${when}: ${(cause as Error).message}`, { cause });
  }
}

/** Another server stores one bet, less than what may have failed before it. */
async function storeOneMore(disk: MemoryDisk, witness: Witness): Promise<void> {
  disk.remove(DISK_FAILURE_FILE);
  const process = disk.process();
  const { ledger } = await openLedger(process);
  await witness.append(ledger, process, { agency: 3, count: 1 });
  process.kill();
}

/** Opens a ledger; returns nothing if the disk prevents it. */
async function tryOpen(process: MemoryProcess): Promise<OpenedLedger | undefined> {
  try {
    return await openLedger(process);
  } catch {
    return undefined;
  }
}

/** A ledger with bets and a closed agency. */
async function prepareUsed(disk: MemoryDisk, witness: Witness): Promise<void> {
  const process = disk.process();
  const { ledger } = await openLedger(process);
  assertEquals(await witness.append(ledger, process, { count: 3 }), "stored");
  assert(await witness.close(ledger, process, 4));
  await ledger[Symbol.asyncDispose]();
}

/** The same, with a writer that was killed within a row of a batch. */
async function prepareTorn(disk: MemoryDisk, witness: Witness): Promise<void> {
  await prepareUsed(disk, witness);
  const process = disk.process();
  const { ledger } = await openLedger(process);
  disk.fault = ({ kind, file }) =>
    kind === "write" && file === "bets.csv" ? { kind: "kill", bytes: 50 } : undefined;
  await witness.append(ledger, process, { count: 3 });
  assert(process.isKilled);
  disk.fault = () => undefined;
}

const SCENARIOS: Record<string, Scenario> = {
  "Ledger.append() keeps its promises": {
    prepare: prepareUsed,
    act: async (_disk, witness, process) => {
      const opened = await tryOpen(process);
      if (opened === undefined) return;
      await witness.append(opened.ledger, process);
      // A smaller round after one that may have failed, and batches that share a round.
      await witness.append(opened.ledger, process, { count: 1 });
      await Promise.all([
        witness.append(opened.ledger, process, { agency: 2, count: 1 }),
        witness.append(opened.ledger, process, { agency: 4 }),
        witness.append(opened.ledger, process, { agency: 3, count: 1 }),
      ]);
      assert(opened.failures.length <= 1);
    },
  },
  "Ledger.append() keeps its promises after another server was killed": {
    prepare: prepareTorn,
    act: async (_disk, witness, process) => {
      const opened = await tryOpen(process);
      if (opened === undefined) return;
      await witness.append(opened.ledger, process, { count: 1 });
      await witness.append(opened.ledger, process, { agency: 2, count: 1 });
    },
  },
  "Ledger.close() keeps its promises": {
    prepare: prepareUsed,
    act: async (_disk, witness, process) => {
      const opened = await tryOpen(process);
      if (opened === undefined) return;
      await witness.append(opened.ledger, process);
      await witness.close(opened.ledger, process, 1);
      await witness.append(opened.ledger, process);
      await witness.close(opened.ledger, process, 1);
      await witness.close(opened.ledger, process, 2);
      await witness.append(opened.ledger, process, { agency: 2 });
    },
  },
  "openFileLedger() keeps its promises on an empty disk": {
    act: async (_disk, witness, process) => {
      const opened = await tryOpen(process);
      if (opened !== undefined) await witness.append(opened.ledger, process);
    },
  },
  "Ledger.append() keeps its promises beside a waiting server": {
    prepare: prepareUsed,
    act: async (disk, witness, process) => {
      const opened = await tryOpen(process);
      const other = disk.process();
      const beside = await tryOpen(other);
      if (opened === undefined || beside === undefined) return;
      await Promise.all([
        witness.append(opened.ledger, process, { agency: 1 }),
        witness.append(beside.ledger, other, { agency: 2, count: 1 }),
        witness.append(opened.ledger, process, { agency: 1, count: 1 }),
      ]);
      await witness.close(beside.ledger, other, 1);
      await witness.append(opened.ledger, process, { agency: 1 });
      await witness.append(opened.ledger, process, { agency: 2, count: 1 });
      // It counts what the other one has left, and makes that durable.
      await beside.ledger.progress(1);
      other.kill();
    },
  },
};

for (const [what, scenario] of Object.entries(SCENARIOS)) {
  for (const [how, plan] of Object.entries(PLANS)) {
    Deno.test(
      `${what} whichever operation ${how}`,
      () => playAll({ name: how, plan, scenario }),
    );
  }
}

Deno.test("Ledger.append() keeps its promises after whichever page its writer is killed", async () => {
  const [pageBytes, count] = [4096, 600];
  for (let pages = 1;; pages++) {
    const disk = new MemoryDisk();
    const witness = new Witness();
    await prepareUsed(disk, witness);
    const begin = disk.bytes("bets.csv").length;
    const process = disk.process();
    const { ledger } = await openLedger(process);
    disk.fault = ({ kind, file }) =>
      kind === "write" && file === "bets.csv"
        ? { kind: "kill", bytes: pages * pageBytes - begin }
        : undefined;
    await witness.append(ledger, process, { count });
    const isWhole = disk.bytes("bets.csv").length < pages * pageBytes;
    disk.fault = () => undefined;
    const when = `killed after page ${pages}`;
    await witness.judge(disk, { when });
    if (isWhole) return assert(pages > 3, "the batch has too few pages");
  }
});

/** Replaces operations of one file of the process, or of those whose names begin so. */
function replaceIn(name: string, change: Partial<DiskFile>): Weaken {
  return (process) => {
    const open = process.open.bind(process);
    process.open = (opened) => Object.assign(open(opened), opened.startsWith(name) ? change : {});
  };
}

/** Keeps a process from announcing its rounds. */
function announceNothing(process: MemoryProcess): void {
  const open = process.open.bind(process);
  process.open = (name) => {
    const file = open(name);
    if (name !== JOURNAL_FILE) return file;
    const write = file.write.bind(file);
    return Object.assign(file, {
      write: (bytes: Uint8Array, position: number) => {
        const { round } = parseJournal(bytes);
        return round?.from === round?.to ? write(bytes, position) : bytes.length;
      },
    });
  };
}

const UNSYNCED = { syncNow: () => {}, sync: () => Promise.resolve() };

const CONTROLS: { without: string; plan: string; weaken: Weaken }[] = [
  {
    without: "the sync of the redo log",
    plan: "ends its process",
    weaken: replaceIn(LOG_PREFIX, UNSYNCED),
  },
  {
    without: "the journal",
    plan: "ends its process within a row",
    weaken: announceNothing,
  },
  {
    without: "truncating failed writes",
    plan: "fails half way",
    weaken: replaceIn("bets.csv", { truncate: () => {} }),
  },
  {
    without: "the sync of closed agencies",
    plan: "ends its process",
    weaken: replaceIn("agencies_closed.txt", UNSYNCED),
  },
];

for (const { without, plan, weaken } of CONTROLS) {
  Deno.test(`The ledger breaks a promise without ${without}`, async () => {
    const scenarios = Object.values(SCENARIOS);
    const played = scenarios.map((scenario) =>
      playAll({ name: plan, plan: PLANS[plan], scenario, weaken })
    );
    const outcomes = await Promise.allSettled(played);
    assert(outcomes.some(({ status }) => status === "rejected"));
  });
}

/** Lets servers on one disk do random work while random faults strike. */
async function live(seed: number): Promise<void> {
  const random = new Random(seed);
  const below = (count: number) => random.below(count);
  const witness = new Witness();
  let disk = new MemoryDisk();
  let servers: { process: MemoryProcess; opened: OpenedLedger }[] = [];
  for (let step = 0; step < 30; step++) {
    disk.fault = () => undefined;
    // A server that has failed is restarted.
    servers = servers.filter(({ process, opened }) => {
      if (opened.failures.length > 0) process.kill();
      return !process.isKilled;
    });
    while (servers.length < 2) {
      disk.remove(DISK_FAILURE_FILE);
      const process = disk.process();
      servers.push({ process, opened: await openLedger(process) });
    }
    const strikeAt = disk.operations + 1 + below(60);
    const faults: Fault[] = [
      { kind: "fail", bytes: below(120) },
      { kind: "kill", bytes: below(120) },
      { kind: "short", bytes: 1 + below(120) },
    ];
    const fault = faults[below(faults.length)];
    disk.fault = (operation) =>
      operation.number === strikeAt && (fault.kind !== "fail" || canFail(operation))
        ? fault
        : undefined;
    const work = [];
    for (let count = below(5); count >= 0; count--) {
      const { opened: { ledger }, process } = servers[below(servers.length)];
      const agency = 1 + below(5);
      if (below(4) === 0) work.push(ledger.follow());
      if (below(40) === 0) work.push(witness.close(ledger, process, agency));
      else work.push(witness.append(ledger, process, { agency, count: 1 + below(3) }));
    }
    await Promise.all(work);
    if (below(6) > 0) continue;
    const left = disk.cutPower((states) => random.pick(states));
    for (const { process } of servers) process.kill();
    disk = left;
    await witness.judge(disk);
    servers = [];
  }
  await witness.judge(disk);
}

Deno.test("Ledgers of two servers keep their promises under random faults", async () => {
  for (let seed = 1; seed <= 100; seed++) {
    try {
      await live(seed);
    } catch (cause) {
      throw new Error(`with seed ${seed}: ${(cause as Error).message}`, { cause });
    }
  }
});
