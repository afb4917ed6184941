/**
 * What a kill, a full disk or a power cut leaves at the end of bets.csv: it is truncated, and a copy of it is
 * kept.
 *
 * @module
 */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { copiesOf, namedBatch, openLedger, storedBets, usedDisk } from "../../testing/ledgers.ts";
import type { MemoryDisk, MemoryProcess } from "../../testing/memory_disk.ts";
import { FatalLedgerError } from "../fatal_error.ts";
import { BETS_FILE, LOG_PREFIX } from "./volume_files.ts";

Deno.test("openFileLedger() truncates a round that a kill has torn, and keeps a copy", async () => {
  const disk = await usedDisk();
  const before = disk.text(BETS_FILE);
  const process = disk.process();
  const { ledger } = await openLedger(process);
  disk.fault = ({ kind, file }) =>
    kind === "write" && file === BETS_FILE ? { kind: "kill", bytes: 70 } : undefined;
  void ledger.append(namedBatch("torn", { count: 5 }));
  await ledger.progress(1);
  disk.fault = () => undefined;
  const torn = disk.text(BETS_FILE).slice(before.length);
  assertEquals(torn.length, 70);
  const next = await openLedger(disk.process());
  assertEquals(disk.text(BETS_FILE), before);
  assertEquals(copiesOf(disk), [torn]);
  assertStringIncludes(next.lines[0], `cut_bytes: 70 | offset: ${before.length}`);
  assertStringIncludes(next.lines[0], "copy: bets.csv.cut-");
});

/** A volume with a torn end, on a disk without room for another byte. */
async function fullTornDisk({ isClean }: { isClean: boolean }): Promise<MemoryDisk> {
  const disk = await usedDisk();
  if (!isClean) (await killedServer(disk)).kill();
  const from = disk.bytes(BETS_FILE).length;
  disk.process().open(BETS_FILE).write(new TextEncoder().encode("1,Ana"), from);
  disk.capacity = disk.used;
  return disk;
}

/** Starts a server that stores nothing. */
async function killedServer(disk: MemoryDisk): Promise<MemoryProcess> {
  const process = disk.process();
  await openLedger(process);
  return process;
}

Deno.test("openFileLedger() leaves out what no log holds on a full disk, and keeps a copy", async () => {
  const disk = await fullTornDisk({ isClean: false });
  const { ledger } = await openLedger(disk.process());
  assertEquals(copiesOf(disk), ["1,Ana"]);
  assertEquals(await storedBets(ledger, 1), 9);
});

Deno.test("openFileLedger() keeps what another program has appended where no copy can be made", async () => {
  const disk = await fullTornDisk({ isClean: true });
  const text = disk.text(BETS_FILE);
  await assertRejects(() => openLedger(disk.process()), Error, "Cannot keep a copy of 5 bytes");
  assertEquals(disk.text(BETS_FILE), text);
  assertEquals(copiesOf(disk), []);
  disk.capacity = Infinity;
  await openLedger(disk.process());
  assertEquals(copiesOf(disk), ["1,Ana"]);
});

Deno.test("openFileLedger() rebuilds rounds of which a power cut has left zeros, or nothing", async () => {
  for (const hole of [[8192, 12288], [4096, 8192], [12288, 20480], [300, Infinity]]) {
    const disk = await usedDisk();
    const process = disk.process();
    const { ledger } = await openLedger(process, { logBytes: 256 * 1024 });
    for (const name of ["big", "next"]) {
      assertEquals((await ledger.append(namedBatch(name, { count: 450 }))).status, "stored");
    }
    process.kill();
    const whole = disk.text(BETS_FILE);
    const [start, end] = hole;
    const bytes = disk.bytes(BETS_FILE);
    disk.put(BETS_FILE, end === Infinity ? bytes.subarray(0, start) : bytes.fill(0, start, end));
    const next = await openLedger(disk.process());
    assertEquals(disk.text(BETS_FILE), whole);
    assertEquals(copiesOf(disk), []);
    assertStringIncludes(next.lines.join("\n"), "the redo logs had them");
    assertEquals((await next.ledger.append(namedBatch("last"))).status, "stored");
    assertEquals((await openLedger(disk.process())).lines, []);
  }
});

Deno.test("openFileLedger() refuses zeros below the checkpoint: no power cut has left them", async () => {
  const disk = await usedDisk();
  const bytes = disk.bytes(BETS_FILE);
  disk.put(BETS_FILE, bytes.fill(0, 40, 60));
  await assertRejects(() => openLedger(disk.process()), FatalLedgerError, "NUL bytes");
});

Deno.test("openFileLedger() leaves out a whole round that no log holds, and moves up those after it", async () => {
  const disk = await usedDisk();
  const [torn, process] = [disk.process(), disk.process()];
  const unrecorded = await openLedger(torn);
  const { ledger } = await openLedger(process);
  const before = disk.text(BETS_FILE);
  disk.fault = ({ kind, file }) =>
    kind === "write" && file === LOG_PREFIX ? { kind: "kill" } : undefined;
  void unrecorded.ledger.append(namedBatch("lost"));
  await unrecorded.ledger.progress(1);
  disk.fault = () => undefined;
  const unheld = disk.text(BETS_FILE).slice(before.length);
  assertEquals(unheld.split("\n").length, 3);
  assertEquals((await ledger.append(namedBatch("kept"))).status, "stored");
  const kept = disk.text(BETS_FILE).slice(before.length + unheld.length);
  process.kill();
  const next = await openLedger(disk.process());
  assertEquals(disk.text(BETS_FILE), before + kept);
  assertEquals(copiesOf(disk), [unheld]);
  assertEquals(await storedBets(next.ledger, 1), 11);
});
