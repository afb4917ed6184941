/**
 * Volumes of servers without redo logs are adopted: nothing that these have acknowledged is lost.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import { copiesOf, namedBatch, openLedger, storedBets } from "../../testing/ledgers.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { FatalLedgerError } from "../fatal_error.ts";
import { turnEnd } from "../courtesy.ts";
import { FixedLine } from "./fixed_line.ts";
import { BETS_FILE, IDENTITY_FILE, JOURNAL_FILE } from "./volume_files.ts";

const ROW = "1,Ana,Paz,1,1980-01-01,1\n";
const ROUND_LINE = new FixedLine({ from: 16, to: 16, cuts: 12, recalls: 12 });
const MARK_LINE = new FixedLine({ bets: 16, closed: 16, closedSum: 10 });

/** A volume of an earlier version. */
function earlierVolume(bets: string, { from, to, durable }: Record<string, number>): MemoryDisk {
  const disk = new MemoryDisk();
  disk.put(BETS_FILE, bets);
  disk.put(JOURNAL_FILE, journalOf({ from, to, durable }));
  disk.put(
    IDENTITY_FILE,
    '{"id":"x","agencies":5,"winningNumber":7574,"createdAt":"2026-11-23"}\n',
  );
  return disk;
}

function journalOf({ from, to, durable }: Record<string, number>): Uint8Array {
  const bytes = new Uint8Array(ROUND_LINE.bytes + MARK_LINE.bytes);
  ROUND_LINE.format({ from, to, cuts: 0, recalls: 0 }, bytes);
  const mark = { bets: durable, closed: 0, closedSum: 0 };
  MARK_LINE.format(mark, bytes.subarray(ROUND_LINE.bytes));
  return bytes;
}

Deno.test("openFileLedger() adopts a volume of an earlier version, whatever its last round", async () => {
  const [one, two] = [ROW.length, 2 * ROW.length];
  for (
    const { bets, kept } of [
      { bets: ROW + ROW, kept: 2 },
      { bets: `${ROW}1,Ana`, kept: 1 },
      { bets: ROW, kept: 1 },
      { bets: ROW.repeat(3), kept: 3 },
    ]
  ) {
    const disk = earlierVolume(bets, { from: one, to: two, durable: one });
    const process = disk.process();
    const { ledger } = await openLedger(process);
    assertEquals(await storedBets(ledger, 1), kept);
    assertEquals(copiesOf(disk), bets.endsWith("\n") ? [] : ["1,Ana"]);
    assertEquals((await ledger.append(namedBatch("a"))).status, "stored");
    process.kill();
    for (const left of disk.afterPowerCut()) {
      assertEquals(await storedBets((await openLedger(left.process())).ledger, 1), kept + 2);
    }
  }
});

Deno.test("openFileLedger() refuses a volume of an earlier version that has lost durable rows", async () => {
  const disk = earlierVolume(ROW, { from: 0, to: ROW.length, durable: 2 * ROW.length });
  await assertRejects(() => openLedger(disk.process()), FatalLedgerError, "were durable");
});

Deno.test("openFileLedger() keeps what a server of an earlier version has stored beside others", async () => {
  const disk = earlierVolume(ROW, { from: 0, to: ROW.length, durable: ROW.length });
  const process = disk.process();
  const { ledger, failures } = await openLedger(process);
  assertEquals((await ledger.append(namedBatch("a"))).status, "stored");
  // It rewrites the journal before it appends its rows, and syncs both.
  const size = disk.bytes(BETS_FILE).length;
  disk.overwrite(BETS_FILE, disk.text(BETS_FILE) + ROW);
  const journal = journalOf({ from: size, to: size + ROW.length, durable: size });
  disk.overwrite(JOURNAL_FILE, new TextDecoder().decode(journal));
  assertEquals((await ledger.append(namedBatch("b"))).status, "refused");
  assertEquals(failures.length, 1);
  process.kill();
  assertEquals(await storedBets((await openLedger(disk.process())).ledger, 1), 4);
});

Deno.test("openFileLedger() refuses rows of an earlier version that stand where a redo log has others", async () => {
  const disk = earlierVolume(ROW, { from: 0, to: ROW.length, durable: ROW.length });
  const process = disk.process();
  const { ledger } = await openLedger(process);
  assertEquals((await ledger.append(namedBatch("a"))).status, "stored");
  process.kill();
  // A power cut has taken the rows, and a server of an earlier version has begun where they belong.
  const bets = ROW + ROW.replace("Ana", "Eva");
  disk.overwrite(BETS_FILE, bets);
  const size = ROW.length;
  const journal = journalOf({ from: size, to: 2 * size, durable: 2 * size });
  disk.overwrite(JOURNAL_FILE, new TextDecoder().decode(journal));
  await assertRejects(() => openLedger(disk.process()), FatalLedgerError, "other rows");
  assertEquals(disk.text(BETS_FILE), bets);
});

Deno.test("openFileLedger() leaves no part of a batch when power is cut soon after an adoption", async () => {
  const disk = earlierVolume(ROW, { from: 0, to: ROW.length, durable: ROW.length });
  const process = disk.process();
  const { ledger } = await openLedger(process);
  assertEquals((await ledger.append(namedBatch("a"))).status, "stored");
  const bytes = namedBatch("b", { count: 1 }).bytes.length;
  disk.fault = ({ kind, file }) =>
    kind === "write" && file === BETS_FILE ? { kind: "kill", bytes } : undefined;
  void ledger.append(namedBatch("b"));
  while (!process.isKilled) await turnEnd();
  disk.fault = () => undefined;
  for (const left of disk.afterPowerCut()) {
    assertEquals(await storedBets((await openLedger(left.process())).ledger, 1), 3);
  }
});
