/**
 * The sequences that would lose or double a batch if the redo logs and checkpoints did not keep their rules. Each
 * is played in memory and on real files, as it is and with the rule switched off.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  AGENCIES,
  keepLog,
  LOG_BYTES,
  namedBatch,
  openLedger,
  WINNING_NUMBER,
} from "../../testing/ledgers.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { changeFiles, faultsAfterPowerCut, faultsOn, testRule } from "../../testing/log_rules.ts";
import type { DiskProcess } from "../../testing/power_folder.ts";
import { LAST_DAY } from "../bet_row.ts";
import { LedgerFigures } from "../figures.ts";
import type { Ledger } from "../ledger.ts";
import { Tally } from "../tally.ts";
import { BetsFile } from "./bets_file.ts";
import { CHECKPOINT_BYTES, parseCheckpoint } from "./checkpoint_file.ts";
import type { DiskFile } from "../disk.ts";
import { FixedLine } from "./fixed_line.ts";
import { Membership } from "./membership.ts";
import { PAGE_BYTES } from "./log_record.ts";
import { turnEnd } from "../courtesy.ts";
import { BETS_FILE, CHECKPOINT_FILE, LOG_PREFIX } from "./volume_files.ts";

/** Waits for work, or until nothing more of it can happen. */
async function settled(work: Promise<unknown>): Promise<void> {
  let isDone = false;
  void work.then(() => isDone = true);
  for (let turn = 0; turn < 100 && !isDone; turn++) await turnEnd();
}

/** A server that has entered the volume, and read nothing yet. */
async function enterOnly(process: DiskProcess) {
  const tally = new Tally(WINNING_NUMBER);
  const { log } = keepLog();
  const rules = { agencies: AGENCIES, today: LAST_DAY };
  const onFatal = () => {};
  const settings = { agencies: AGENCIES, winningNumber: WINNING_NUMBER };
  const figures = new LedgerFigures();
  const bets = new BetsFile(process, { tally, rules, log, onFatal });
  const knownRows = () => bets.known;
  const options = { settings, rules, log, onFatal, figures, logBytes: LOG_BYTES, knownRows };
  const member = new Membership(process, options);
  await bets.locked(async (files) => bets.begin(await member.enter(files)));
  return { member, bets };
}

/** A server that can be stopped between the append of a round and its record. */
async function openStepwise(process: DiskProcess) {
  const { member, bets } = await enterOnly(process);
  await bets.locked(() => member.claim());
  await member.activate(bets);
  return { member, bets };
}

testRule("Recovery runs only while no log is locked", {
  finds: "lost",
  play: async (disk, isOff) => {
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
    return faultsOn(disk, ["a"]);
  },
});

testRule("Leaving rounds out begins a new epoch", {
  finds: "doubled",
  play: async (disk, isOff) => {
    const [killed, storing, recovering] = [disk.process(), disk.process(), disk.process()];
    if (isOff) changeFiles(recovering, CHECKPOINT_FILE, inEpoch(1));
    // The round "a" is appended, and its server killed before it is recorded. The next one, "b", is acknowledged.
    const { bets } = await openStepwise(killed);
    const { ledger } = await openLedger(storing);
    await bets.exclusively(() => bets.append(namedBatch("a").bytes));
    assertEquals((await ledger.append(namedBatch("b"))).status, "stored");
    killed.kill();
    storing.kill();
    // Recovery leaves "a" out, so that "b" moves up, and is killed before it removes the log with the record of "b".
    recovering.remove = () => {
      recovering.kill();
      throw new Error("killed");
    };
    await assertRejects(() => openLedger(recovering), Error, "killed");
    assertEquals(disk.text(BETS_FILE).includes(",a-"), false);
    const next = await openLedger(disk.process());
    assertEquals((await next.ledger.append(namedBatch("a"))).status, "stored");
    return await faultsAfterPowerCut(disk, ["a", "b"]);
  },
});

const SLOT_LINE = new FixedLine({ sequence: 12, epoch: 12, size: 16, clean: 1 });

/** Keeps checkpoints in an epoch. */
function inEpoch(epoch: number) {
  return (file: DiskFile): Partial<DiskFile> => {
    const write = file.write.bind(file);
    return {
      write: (bytes, position) => {
        const slot = SLOT_LINE.parse(bytes);
        if (slot !== undefined) SLOT_LINE.format({ ...slot, epoch }, bytes);
        return write(bytes, position);
      },
    };
  };
}

testRule("A checkpoint is made by one server at a time", {
  finds: "lost",
  play: async (disk, isOff) => {
    const [slow, fast] = [disk.process(), disk.process()];
    if (isOff) {
      for (const process of [slow, fast]) {
        changeFiles(process, CHECKPOINT_FILE, { tryLock: () => true, unlock: () => {} });
      }
    }
    const hold = holdSync(slow, BETS_FILE);
    const one = await openLedger(slow);
    // Room for three rounds: the last ones take the place of the first ones, after one checkpoint.
    const two = await openLedger(fast, { logBytes: 3 * PAGE_BYTES });
    const names = ["a", "b", "c", "d", "e"];
    assertEquals((await two.ledger.append(namedBatch("a"))).status, "stored");
    hold.begin();
    const asking = one.ledger.progress(1);
    await hold.reached;
    const storing = storeInTurns(two.ledger, names.slice(1));
    // With the rule it waits for the checkpoint of the other one.
    await (isOff ? storing : settled(storing));
    hold.release();
    await asking;
    await storing;
    return await faultsAfterPowerCut(disk, names);
  },
});

/** Stores batches one after the other, with pauses in which a checkpoint in the background is finished. */
async function storeInTurns(ledger: Ledger, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await ledger.append(namedBatch(name));
    await turnEnd();
  }
}

/** Blocks a sync of a file, the next one once it begins. */
function holdSync(process: DiskProcess, name: string) {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let isHeld = false;
  changeFiles(process, name, (file) => {
    const sync = file.sync.bind(file);
    return {
      sync: async () => {
        if (isHeld) {
          isHeld = false;
          reached.resolve();
          await released.promise;
        }
        await sync();
      },
    };
  });
  return { reached: reached.promise, release: released.resolve, begin: () => isHeld = true };
}

testRule("A checkpoint is never replaced by a smaller one", {
  finds: "lost",
  play: async (disk, isOff) => {
    const slow = disk.process();
    const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let isLate = false;
    changeFiles(slow, CHECKPOINT_FILE, (file) => {
      const [tryLock, lock, read] = [file.tryLock, file.lock, file.read];
      return {
        tryLock: () => !isLate && tryLock.call(file),
        lock: async () => {
          reached.resolve();
          await released.promise;
          await lock.call(file);
        },
        read: (bytes, position) => {
          const count = read.call(file, bytes, position);
          if (isOff && isLate) { for (const at of [0, PAGE_BYTES]) hideSize(bytes.subarray(at)); }
          return count;
        },
      };
    });
    const one = await openLedger(slow);
    // Room for three rounds: the last ones take the place of the first ones, after one checkpoint.
    const two = await openLedger(disk.process(), { logBytes: 3 * PAGE_BYTES });
    const [first, ...others] = ["a", "b", "c", "d", "e"];
    assertEquals((await two.ledger.append(namedBatch(first))).status, "stored");
    isLate = true;
    // It is to make the first round durable, and gets the lock late.
    const asking = one.ledger.progress(1);
    await reached.promise;
    for (const name of others) {
      assertEquals((await two.ledger.append(namedBatch(name))).status, "stored");
    }
    released.resolve();
    await asking;
    return await faultsAfterPowerCut(disk, [first, ...others]);
  },
});

/** Makes a slot of the checkpoint look as if nothing were durable. */
function hideSize(bytes: Uint8Array): void {
  const slot = SLOT_LINE.parse(bytes);
  if (slot !== undefined) SLOT_LINE.format({ ...slot, size: 0 }, bytes);
}

testRule("A log is reused only after a checkpoint is recorded", {
  finds: "lost",
  play: async (disk, isOff) => {
    const process = disk.process();
    let isLost = false;
    changeFiles(process, CHECKPOINT_FILE, (file) => {
      const sync = file.sync.bind(file);
      return { sync: () => isLost ? Promise.resolve() : sync() };
    });
    const { ledger } = await openLedger(process, { logBytes: 2 * PAGE_BYTES });
    // No slot reaches the disk any more, although its sync reports success.
    isLost = isOff;
    const names = ["a", "b", "c", "d", "e"];
    for (const name of names) {
      assertEquals((await ledger.append(namedBatch(name))).status, "stored");
    }
    return await faultsAfterPowerCut(disk, names);
  },
});

testRule("No log is used again under its name, nor created or removed without the lock", {
  finds: "lost",
  play: async (disk, isOff) => {
    const [killed, cleaning, restarted] = [disk.process(), disk.process(), disk.process()];
    const late = new Set<string>();
    const remove = cleaning.remove.bind(cleaning);
    if (isOff) {
      for (const process of [killed, restarted]) {
        const name = `${LOG_PREFIX}same`;
        process.createUnique = () => ({ name, file: process.open(name) });
      }
      cleaning.remove = (name) => void late.add(name);
      // It would notice that its log is gone, and not acknowledge the batch.
      changeFiles(restarted, LOG_PREFIX, { isCurrent: () => true });
    }
    await openLedger(killed);
    killed.kill();
    await openLedger(cleaning);
    const { ledger } = await openLedger(restarted);
    for (const name of late) remove(name);
    cleaning.syncFolder();
    assertEquals((await ledger.append(namedBatch("a"))).status, "stored");
    return await faultsAfterPowerCut(disk, ["a"]);
  },
});

testRule("A checkpoint is announced, so that a failed sync is not forgotten with its server", {
  finds: "lost",
  play: async (disk, isOff) => {
    const failing = disk.process();
    const living = await openLedger(disk.process());
    let isFailing = false;
    changeFiles(failing, BETS_FILE, (file) => {
      const sync = file.sync.bind(file);
      return { sync: () => isFailing ? failSync() : sync() };
    });
    if (isOff) changeFiles(failing, CHECKPOINT_FILE, withoutNotice);
    // Its sync of bets.csv fails, and it is killed before it leaves a note.
    const failSync = () => {
      disk.nodes.get(BETS_FILE)!.forgetChanges();
      failing.kill();
      return Promise.reject(new Error("Input/output error (os error 5)"));
    };
    const { ledger } = await openLedger(failing);
    assertEquals((await living.ledger.append(namedBatch("a"))).status, "stored");
    assertEquals((await ledger.append(namedBatch("b"))).status, "stored");
    isFailing = true;
    assertEquals((await ledger.progress(1)).status, "unknown");
    // A server with a fresh handle syncs without an error.
    const next = disk.process();
    await openLedger(next);
    // It has removed the log of the dead one, and the file system writes that back sooner or later.
    next.syncFolder();
    return await faultsAfterPowerCut(disk, ["a", "b"]);
  },
});

/** Keeps the notice of a checkpoint from being written. */
function withoutNotice(file: DiskFile): Partial<DiskFile> {
  const write = file.write.bind(file);
  return {
    write: (bytes, position) =>
      position === CHECKPOINT_BYTES - PAGE_BYTES ? bytes.length : write(bytes, position),
  };
}

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
  assert(disk.text(BETS_FILE).includes(",a-"));
});
