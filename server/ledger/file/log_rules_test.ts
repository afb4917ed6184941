/**
 * The sequences that would lose or double a batch if the redo logs and checkpoints did not keep their rules. Each
 * is played twice: as it is, and with the rule switched off.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  AGENCIES,
  keepLog,
  LOG_BYTES,
  namedBatch,
  openLedger,
  WINNING_NUMBER,
} from "../../testing/ledgers.ts";
import { MemoryDisk, type MemoryProcess } from "../../testing/memory_disk.ts";
import { LAST_DAY } from "../bet_row.ts";
import { FatalLedgerError } from "../fatal_error.ts";
import { LedgerFigures } from "../figures.ts";
import { Tally } from "../tally.ts";
import { BetsFile } from "./bets_file.ts";
import { CHECKPOINT_BYTES, parseCheckpoint } from "./checkpoint_file.ts";
import type { DiskFile } from "../disk.ts";
import { Membership } from "./membership.ts";
import { planRecovery } from "./log_recovery.ts";
import { PAGE_BYTES } from "./log_record.ts";
import { turnEnd } from "../courtesy.ts";
import { BETS_FILE, CHECKPOINT_FILE, LOG_PREFIX } from "./volume_files.ts";

/** A test plays a sequence; the rule holds unless it is switched off. */
function testRule(name: string, play: (isOff: boolean) => Promise<string[]>): void {
  for (const isOff of [false, true]) {
    Deno.test(`${name}${isOff ? ": a batch is lost without this rule" : ""}`, async () => {
      const missing = await play(isOff).catch((error) => {
        assert(error instanceof FatalLedgerError, error);
        return [`the ledger: ${error.message}`];
      });
      assertEquals(missing.length > 0, isOff, missing.join());
    });
  }
}

/** Changes the files of a process whose names begin so. */
function changeFiles(process: MemoryProcess, name: string, change: Partial<DiskFile>): void {
  const open = process.open.bind(process);
  process.open = (opened) => Object.assign(open(opened), opened.startsWith(name) ? change : {});
}

/** Cuts the power, and returns which acknowledged batches are not whole. All of them have two bets. */
async function missingAfterPowerCut(disk: MemoryDisk, names: string[]): Promise<string[]> {
  const left = disk.cutPower((states) => states[0]);
  await openLedger(left.process());
  return missingOn(left, names);
}

/** Waits for work, or until nothing more of it can happen. */
async function settled(work: Promise<unknown>): Promise<void> {
  let isDone = false;
  void work.then(() => isDone = true);
  for (let turn = 0; turn < 100 && !isDone; turn++) await turnEnd();
}

function missingOn(disk: MemoryDisk, names: string[]): string[] {
  const text = disk.text(BETS_FILE);
  return names.filter((name) => text.split(`,${name}-`).length !== 3);
}

/** A server that has entered the volume, and read nothing yet. */
async function enterOnly(process: MemoryProcess) {
  const tally = new Tally(WINNING_NUMBER);
  const { log } = keepLog();
  const rules = { agencies: AGENCIES, today: LAST_DAY };
  const onFatal = () => {};
  const settings = { agencies: AGENCIES, winningNumber: WINNING_NUMBER };
  const figures = new LedgerFigures();
  const options = { settings, rules, log, onFatal, figures, logBytes: LOG_BYTES };
  const member = new Membership(process, options);
  const bets = new BetsFile(process, { tally, rules, log, onFatal });
  await bets.locked(async (files) => bets.begin(await member.enter(files)));
  return { member, bets };
}

/** A server that can be stopped between the append of a round and its record. */
async function openStepwise(process: MemoryProcess) {
  const { member, bets } = await enterOnly(process);
  await bets.locked(() => member.claim());
  await member.activate(bets);
  return { member, bets };
}

testRule("Recovery runs only while no log is locked", async (isOff) => {
  const disk = new MemoryDisk();
  const [living, joining] = [disk.process(), disk.process()];
  if (isOff) {
    const find = joining.find.bind(joining);
    joining.find = (name) => Object.assign(find(name)!, { tryLock: () => true });
    // It would notice that its log is gone, and not acknowledge the batch.
    changeFiles(living, LOG_PREFIX, { isCurrent: () => true });
  }
  const { member, bets } = await openStepwise(living);
  const { bytes } = namedBatch("a");
  const from = await bets.exclusively(() => bets.append(bytes));
  await openLedger(joining);
  await member.commit(from, bytes);
  return missingOn(disk, ["a"]);
});

testRule(
  "A checkpoint is made by one server at a time, and never replaced by a smaller one",
  async (isOff) => {
    const disk = new MemoryDisk();
    const [slow, fast] = [disk.process(), disk.process()];
    if (isOff) {
      for (const process of [slow, fast]) {
        changeFiles(process, CHECKPOINT_FILE, { tryLock: () => true, unlock: () => {} });
      }
    }
    const one = await openLedger(slow);
    // Room for three rounds: the last ones take the place of the first ones, after one checkpoint.
    const two = await openLedger(fast, { logBytes: 3 * PAGE_BYTES });
    const names = ["a", "b", "c", "d", "e"];
    assertEquals((await two.ledger.append(namedBatch("a"))).status, "stored");
    const hold = disk.hold("sync", BETS_FILE);
    const asking = one.ledger.progress(1);
    await hold.reached;
    const storing = names.slice(1).reduce(
      (before, name) => before.then(() => two.ledger.append(namedBatch(name))),
      Promise.resolve<unknown>(undefined),
    );
    await settled(storing);
    hold.release();
    await asking;
    await storing;
    return await missingAfterPowerCut(disk, names);
  },
);

testRule(
  "A checkpoint is announced, so that a failed sync is not forgotten with its server",
  async (isOff) => {
    const disk = new MemoryDisk();
    const failing = disk.process();
    const living = await openLedger(disk.process());
    if (isOff) {
      const open = failing.open.bind(failing);
      failing.open = (name) => name === CHECKPOINT_FILE ? withoutNotice(open(name)) : open(name);
    }
    const { ledger } = await openLedger(failing);
    assertEquals((await living.ledger.append(namedBatch("a"))).status, "stored");
    assertEquals((await ledger.append(namedBatch("b"))).status, "stored");
    // Its sync of bets.csv fails, and it is killed before it leaves a note.
    disk.fault = ({ kind, file, process }) => {
      if (process !== failing || kind !== "sync" || file !== BETS_FILE) return undefined;
      disk.fault = (operation) => operation.process === failing ? { kind: "kill" } : undefined;
      return { kind: "fail" };
    };
    await ledger.progress(1);
    assert(failing.isKilled);
    disk.fault = () => undefined;
    // A server with a fresh handle syncs without an error.
    await openLedger(disk.process());
    return await missingAfterPowerCut(disk, ["a", "b"]);
  },
);

/** Keeps the notice of a checkpoint from being written. */
function withoutNotice(file: DiskFile): DiskFile {
  const write = file.write.bind(file);
  return Object.assign(file, {
    write: (bytes: Uint8Array, position: number) =>
      position === CHECKPOINT_BYTES - PAGE_BYTES ? bytes.length : write(bytes, position),
  });
}

testRule("A log is reused only after a checkpoint is recorded", async (isOff) => {
  const disk = new MemoryDisk();
  const process = disk.process();
  // The slots never reach the disk, although their syncs report success.
  if (isOff) changeFiles(process, CHECKPOINT_FILE, { sync: () => Promise.resolve() });
  const { ledger } = await openLedger(process, { logBytes: 2 * PAGE_BYTES });
  const names = ["a", "b", "c", "d", "e"];
  for (const name of names) {
    assertEquals((await ledger.append(namedBatch(name))).status, "stored");
  }
  return await missingAfterPowerCut(disk, names);
});

Deno.test("Leaving rounds out begins a new epoch: without it, a batch comes back and doubles", () => {
  const rows = (text: string) => new TextEncoder().encode(text);
  const record = (epoch: number, text: string) => ({
    lottery: "",
    epoch,
    from: 27,
    rows: rows(text),
  });
  // The first round was in no log, so the second one, at byte 27, has moved to the beginning: the checkpoint of
  // the new epoch covers it. Its log was removed, and is back after a power cut.
  const old = record(1, "a second round\n");
  const own = record(2, "a round that was stored since\n");
  const plan = (records: typeof old[]) =>
    planRecovery({ size: 27, durableSize: 27, records }).rounds.map(({ rows }) => rows);
  assertEquals(plan([old, own].filter(({ epoch }) => epoch === 2)), [own.rows]);
  assertThrows(() => plan([old, own]), FatalLedgerError, "a redo log has a round at byte 27");
  assertEquals(plan([old]), [old.rows], "it would be stored twice");
});

Deno.test("Recovery begins a new epoch, and removes the logs only after that", async () => {
  const disk = new MemoryDisk();
  const process = disk.process();
  await (await openLedger(process)).ledger.append(namedBatch("a"));
  process.kill();
  const epochOf = () => parseCheckpoint(disk.bytes(CHECKPOINT_FILE)).last!.epoch;
  const before = epochOf();
  const next = disk.process();
  const remove = next.remove.bind(next);
  let removed = 0;
  next.remove = (name) => {
    if (name.startsWith(LOG_PREFIX)) {
      assertEquals(epochOf(), before + 1);
      removed++;
    }
    remove(name);
  };
  await openLedger(next);
  assertEquals(removed, 1);
});

Deno.test("Logs are created and removed only under the lock of bets.csv, with names that are never used again", async () => {
  const disk = new MemoryDisk();
  const names: string[] = [];
  const assertLocked = () => {
    const other = disk.process().open(BETS_FILE);
    const isFree = other.tryLock();
    other.close();
    assert(!isFree, "the lock of bets.csv is free");
  };
  const open = async () => {
    const process = disk.process();
    const [create, remove] = [process.createUnique.bind(process), process.remove.bind(process)];
    process.createUnique = (prefix) => {
      if (prefix === LOG_PREFIX) assertLocked();
      const created = create(prefix);
      names.push(created.name);
      return created;
    };
    process.remove = (name) => {
      if (name.startsWith(LOG_PREFIX)) assertLocked();
      remove(name);
    };
    return { process, ...await openLedger(process) };
  };
  const [one, two] = [await open(), await open()];
  await one.ledger.append(namedBatch("a"));
  one.process.kill();
  const three = await open();
  await two.ledger[Symbol.asyncDispose]();
  await three.ledger[Symbol.asyncDispose]();
  assertEquals(new Set(names).size, 3);
  assertEquals(disk.process().list(LOG_PREFIX), []);
});

Deno.test("A server that fails to open leaves what others were killed in to recovery", async () => {
  const disk = new MemoryDisk();
  const [killed, joining] = [disk.process(), disk.process()];
  const { ledger } = await openLedger(killed);
  assertEquals((await ledger.append(namedBatch("a"))).status, "stored");
  const { member, bets } = await enterOnly(joining);
  // It is killed when it has written the first row of a batch.
  disk.fault = ({ kind, file }) =>
    kind === "write" && file === BETS_FILE
      ? { kind: "kill", bytes: namedBatch("b", { count: 1 }).bytes.length }
      : undefined;
  await settled(ledger.append(namedBatch("b")));
  disk.fault = () => undefined;
  assert(killed.isKilled);
  await bets.locked((files) => member.leaveUnread(files.bets));
  joining.kill();
  await openLedger(disk.process());
  assertEquals(disk.text(BETS_FILE).split("\n").length, 3);
  assertEquals(missingOn(disk, ["a"]), []);
});
