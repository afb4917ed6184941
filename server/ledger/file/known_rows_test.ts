/**
 * A server judges the rows that it finds, unless they are known: no edit passes, however it is made.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { tempFolder } from "../../../testing/temp_folder.ts";
import { namedBatch, openLedger, storedBets } from "../../testing/ledgers.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { type Disk, FolderDisk } from "../disk.ts";
import { DamagedRowError } from "../tally.ts";
import { CHECKPOINT_BYTES, CheckpointFile, parseCheckpoint } from "./checkpoint_file.ts";
import { turnEnd } from "../courtesy.ts";
import { PAGE_BYTES } from "./log_record.ts";
import { BETS_FILE, CHECKPOINT_FILE } from "./volume_files.ts";

const BIRTHDATE = "1980-01-01";
/** As long, but not a date. */
const NO_DATE = "1980-13-01";

/** Stores some batches and ends in order. */
async function store(disk: Disk, ...names: string[]): Promise<void> {
  const { ledger } = await openLedger(disk);
  for (const name of names) assertEquals((await ledger.append(namedBatch(name))).status, "stored");
  await ledger[Symbol.asyncDispose]();
}

/** Spoils the last row of a text. */
function spoil(text: string): string {
  const at = text.lastIndexOf(BIRTHDATE);
  assert(at > 0);
  return text.slice(0, at) + NO_DATE + text.slice(at + NO_DATE.length);
}

function spoilIn(disk: MemoryDisk): void {
  disk.overwrite(BETS_FILE, spoil(disk.text(BETS_FILE)));
}

function assertKnown(disk: MemoryDisk, size: number): void {
  const crc = crc32(disk.bytes(BETS_FILE).subarray(0, size));
  assertEquals(parseCheckpoint(disk.bytes(CHECKPOINT_FILE)).last!.known, { size, crc });
}

/** What the last checkpoint knows, in bytes. */
function knownOf(disk: MemoryDisk): number {
  return parseCheckpoint(disk.bytes(CHECKPOINT_FILE)).last!.known.size;
}

Deno.test("openFileLedger() judges no row that is as servers have left it", async () => {
  const disk = new MemoryDisk();
  await store(disk.process(), "a", "b");
  assertKnown(disk, disk.bytes(BETS_FILE).length);
  spoilIn(disk);
  // Whoever wants to be deceived can be: this shows that the bytes are compared, and nothing else.
  const process = disk.process();
  const checkpoint = new CheckpointFile(process.open(CHECKPOINT_FILE));
  const { last } = checkpoint.read();
  const bytes = disk.bytes(BETS_FILE);
  const known = { size: bytes.length, crc: crc32(bytes) };
  await checkpoint.record({ ...last!, sequence: last!.sequence + 1, known });
  assertEquals(await storedBets((await openLedger(process)).ledger, 1), 4);
});

Deno.test("openFileLedger() refuses an edit after the last server has ended, again and again", async () => {
  const disk = new MemoryDisk();
  await store(disk.process(), "a", "b");
  const good = disk.text(BETS_FILE);
  spoilIn(disk);
  for (let start = 0; start < 3; start++) {
    await assertRejects(() => openLedger(disk.process()), DamagedRowError, "line 4");
  }
  disk.overwrite(BETS_FILE, good);
  assertEquals(await storedBets((await openLedger(disk.process())).ledger, 1), 4);
});

Deno.test("openFileLedger() refuses an edit made while a server was running", async () => {
  const disk = new MemoryDisk();
  const { ledger } = await openLedger(disk.process());
  assertEquals((await ledger.append(namedBatch("a"))).status, "stored");
  spoilIn(disk);
  assertEquals((await ledger.append(namedBatch("b"))).status, "stored");
  await ledger[Symbol.asyncDispose]();
  await assertRejects(() => openLedger(disk.process()), DamagedRowError, "line 2");
});

Deno.test("openFileLedger() refuses an edit of a row before another server has read it", async () => {
  const disk = new MemoryDisk();
  const killed = disk.process();
  const one = await openLedger(killed);
  const two = await openLedger(disk.process());
  assertEquals((await one.ledger.append(namedBatch("a"))).status, "stored");
  spoilIn(disk);
  assertEquals((await two.ledger.append(namedBatch("b"))).status, "stored");
  // Nobody is left who has written the row.
  killed.kill();
  await two.ledger[Symbol.asyncDispose]();
  assertEquals(knownOf(disk), 0);
  await assertRejects(() => openLedger(disk.process()), DamagedRowError, "line 2");
});

Deno.test("FileLedger knows the rows of other servers too, if it ends last", async () => {
  const disk = new MemoryDisk();
  const one = await openLedger(disk.process());
  const two = await openLedger(disk.process());
  for (const { ledger } of [one, two, one, two]) {
    assertEquals((await ledger.append(namedBatch("a"))).status, "stored");
  }
  await one.ledger[Symbol.asyncDispose]();
  assert(knownOf(disk) < disk.bytes(BETS_FILE).length);
  await two.ledger[Symbol.asyncDispose]();
  assertKnown(disk, disk.bytes(BETS_FILE).length);
});

Deno.test("openFileLedger() refuses an edit after a kill", async () => {
  const disk = new MemoryDisk();
  await store(disk.process(), "a");
  const known = disk.bytes(BETS_FILE).length;
  spoilIn(disk);
  const spoiled = disk.text(BETS_FILE);
  disk.overwrite(BETS_FILE, spoiled.replace(NO_DATE, BIRTHDATE));
  const process = disk.process();
  const { ledger } = await openLedger(process);
  assertEquals((await ledger.append(namedBatch("b"))).status, "stored");
  process.kill();
  assertEquals(knownOf(disk), known);
  disk.overwrite(BETS_FILE, spoiled + disk.text(BETS_FILE).slice(known));
  await assertRejects(() => openLedger(disk.process()), DamagedRowError, "line 2");
});

Deno.test("openFileLedger() refuses what another program has appended after the last server", async () => {
  const disk = new MemoryDisk();
  await store(disk.process(), "a");
  disk.overwrite(BETS_FILE, `${disk.text(BETS_FILE)}1,Ana,Paz,1,${NO_DATE},1\n`);
  await assertRejects(() => openLedger(disk.process()), DamagedRowError, "line 3");
});

Deno.test("openFileLedger() judges all rows on a volume that an earlier version has used", async () => {
  const disk = new MemoryDisk();
  await store(disk.process(), "a");
  spoilIn(disk);
  // It writes its slot, and zeros after it.
  const bytes = disk.bytes(CHECKPOINT_FILE).slice(0, CHECKPOINT_BYTES);
  for (const page of [0, PAGE_BYTES]) {
    const at = bytes.subarray(page, page + PAGE_BYTES).indexOf(0x0a) + 1;
    if (at > 0) bytes.fill(0, page + at, page + PAGE_BYTES);
  }
  disk.overwrite(CHECKPOINT_FILE, new TextDecoder().decode(bytes));
  assertEquals(knownOf(disk), 0);
  await assertRejects(() => openLedger(disk.process()), DamagedRowError, "line 2");
});

Deno.test("FileLedger knows only what is durable", async () => {
  const disk = new MemoryDisk();
  const process = disk.process();
  // Room for three rounds: rounds go on while checkpoints are made.
  const { ledger } = await openLedger(process, { logBytes: 3 * PAGE_BYTES });
  for (const name of ["a", "b", "c", "d", "e", "f"]) {
    await Promise.all([ledger.append(namedBatch(name)), turnEnd()]);
    const { last } = parseCheckpoint(disk.bytes(CHECKPOINT_FILE));
    assert(last!.known.size <= last!.size);
  }
  assert(knownOf(disk) > 0);
  assertKnown(disk, knownOf(disk));
  process.kill();
  for (const left of disk.afterPowerCut()) {
    assertEquals(await storedBets((await openLedger(left.process())).ledger, 1), 12);
  }
});

Deno.test("openFileLedger() refuses an edit whose times were set back, and a copy with one", {
  permissions: { read: true, write: true },
}, async () => {
  await using folder = tempFolder();
  const path = `${folder.path}/volume`;
  await store(new FolderDisk(path), "a");
  const bets = `${path}/${BETS_FILE}`;
  const { atime, mtime } = await Deno.stat(bets);
  await Deno.writeTextFile(bets, spoil(await Deno.readTextFile(bets)), { create: false });
  await Deno.utime(bets, atime!, mtime!);
  await assertRejects(() => openLedger(new FolderDisk(path)), DamagedRowError, "line 2");
  const copy = `${folder.path}/copy`;
  await Deno.mkdir(copy);
  for await (const { name } of Deno.readDir(path)) {
    await Deno.copyFile(`${path}/${name}`, `${copy}/${name}`);
  }
  await assertRejects(() => openLedger(new FolderDisk(copy)), DamagedRowError, "line 2");
});
