/**
 * What a kill, a full disk or a power cut leaves at the end of bets.csv: it is truncated, and a copy of it is
 * kept.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  copiesOf,
  filesOf,
  namedBatch,
  openLedger,
  storedBets,
  usedDisk,
} from "../../testing/ledgers.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { rowsOf } from "../../testing/witness.ts";
import { FatalLedgerError } from "../fatal_error.ts";
import { RoundJournal } from "./round_journal.ts";
import { BETS_FILE, JOURNAL_FILE } from "./volume_files.ts";

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
async function fullTornDisk(announced: boolean): Promise<MemoryDisk> {
  const disk = await usedDisk();
  const from = disk.bytes(BETS_FILE).length;
  const journal = new RoundJournal(disk.process().open(JOURNAL_FILE));
  const round = announced ? { from, to: from + 100 } : { from: 0, to: from };
  journal.read();
  journal.begin({ ...round, cuts: 0, recalls: 0 });
  disk.process().open(BETS_FILE).write(new TextEncoder().encode("1,Ana"), from);
  disk.capacity = disk.used;
  return disk;
}

Deno.test("openFileLedger() recovers from a torn round on a full disk, and keeps a copy", async () => {
  const disk = await fullTornDisk(true);
  const { ledger } = await openLedger(disk.process());
  assertEquals(copiesOf(disk), ["1,Ana"]);
  assertEquals(await storedBets(ledger, 1), 9);
});

Deno.test("openFileLedger() keeps what another program has appended where no copy can be made", async () => {
  const disk = await fullTornDisk(false);
  const text = disk.text(BETS_FILE);
  await assertRejects(() => openLedger(disk.process()), Error, "Cannot keep a copy of the last 5");
  assertEquals(disk.text(BETS_FILE), text);
  assertEquals(copiesOf(disk), []);
  disk.capacity = Infinity;
  await openLedger(disk.process());
  assertEquals(copiesOf(disk), ["1,Ana"]);
});

/** A volume on which power was cut while two rounds of two servers had reached the disk only in part. */
async function holedDisk(
  { journal, hole }: { journal: "fresh" | "stale"; hole: (from: number, to: number) => number[] },
): Promise<{ disk: MemoryDisk; durable: string }> {
  const disk = await usedDisk();
  const durable = disk.text(BETS_FILE);
  const stale = disk.bytes(JOURNAL_FILE);
  const { ledger } = await openLedger(disk.process());
  const from = disk.bytes(BETS_FILE).length;
  assertEquals((await ledger.append(namedBatch("big", { count: 900 }))).status, "stored");
  const bytes = disk.bytes(BETS_FILE);
  const [start, end] = hole(from, bytes.length);
  disk.put(BETS_FILE, bytes.fill(0, start, end));
  if (journal === "stale") disk.put(JOURNAL_FILE, stale);
  return { disk, durable };
}

for (const journal of ["fresh", "stale"] as const) {
  Deno.test(`openFileLedger() truncates a hole of zeros in a round, with a ${journal} journal`, async () => {
    for (const hole of [[8192, 12288], [4096, 8192], [12288, 20480]]) {
      const { disk, durable } = await holedDisk({ journal, hole: () => hole });
      const holed = disk.text(BETS_FILE);
      const { ledger, lines } = await openLedger(disk.process());
      const kept = disk.text(BETS_FILE);
      assert(kept.startsWith(durable));
      if (journal === "fresh") assertEquals(kept, durable);
      for (const row of rowsOf(disk).slice(9)) assertEquals(row[3].slice(0, 4), "big-");
      assertEquals(kept + copiesOf(disk).join(""), holed);
      assertStringIncludes(lines.join("\n"), "a power cut has left a hole of zeros");
      assertEquals((await ledger.append(namedBatch("next"))).status, "stored");
      assertEquals((await openLedger(disk.process())).lines, []);
    }
  });
}

Deno.test("openFileLedger() refuses zeros that no power cut has left", async () => {
  // They do not end at a border of pages, or what they replace was durable.
  for (const [start, end] of [[5000, 5003], [4096, 8000]]) {
    const { disk } = await holedDisk({ journal: "fresh", hole: () => [start, end] });
    const before = filesOf(disk);
    await assertRejects(() => openLedger(disk.process()), FatalLedgerError, "NUL bytes");
    assertEquals(filesOf(disk), before);
  }
  const { disk } = await holedDisk({ journal: "fresh", hole: () => [4096, 8192] });
  const bets = disk.bytes(BETS_FILE).length;
  new RoundJournal(disk.process().open(JOURNAL_FILE)).writeMark({ bets, closed: 0, closedSum: 0 });
  await assertRejects(() => openLedger(disk.process()), FatalLedgerError, "NUL bytes");
});
