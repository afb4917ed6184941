/**
 * What people do to the files of a volume while servers run or are stopped: nothing acknowledged may be lost
 * in silence.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertNotMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  copiesOf,
  filesOf,
  namedBatch,
  openLedger,
  storedBets,
  usedDisk,
} from "../../testing/ledgers.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { FatalLedgerError } from "../fatal_error.ts";
import { RoundJournal } from "./round_journal.ts";
import { BETS_FILE, CLOSED_FILE, JOURNAL_FILE } from "./volume_files.ts";

/** A file before and after somebody has changed it. */
type Change = (text: string) => string;

const SHORTENED: Record<string, Change> = {
  "was emptied": () => "",
  "was truncated within a row": (text) => text.slice(0, -100),
  "lost its last row": (text) => text.slice(0, text.trimEnd().lastIndexOf("\n") + 1),
  "lost its first row": (text) => text.slice(text.indexOf("\n") + 1),
  "has a name that is a byte shorter": (text) => text.replace("Ana", "An"),
  "is an older copy": (text) => text.slice(0, text.indexOf("b-0") - "1,Ana,Paz,".length),
  "lost its last line end and a byte": (text) => text.slice(0, -2),
};

for (const [what, change] of Object.entries(SHORTENED)) {
  Deno.test(`openFileLedger() refuses a bets.csv that ${what}, and changes nothing`, async () => {
    const disk = await usedDisk();
    const size = disk.bytes(BETS_FILE).length;
    disk.put(BETS_FILE, change(disk.text(BETS_FILE)));
    const before = filesOf(disk);
    const error = await assertRejects(() => openLedger(disk.process()), FatalLedgerError);
    assertStringIncludes(error.message, `it has ${disk.bytes(BETS_FILE).length} bytes and `);
    assertStringIncludes(error.message, `but ${size} bytes were durable`);
    assertStringIncludes(error.message, "check --accept-loss");
    assertEquals(filesOf(disk), before);
  });

  Deno.test(`FileLedger fails when its bets.csv ${what}, and acknowledges nothing`, async () => {
    const disk = await usedDisk();
    const { ledger, failures } = await openLedger(disk.process());
    // The same file, as an editor that writes in place leaves it.
    const text = change(disk.text(BETS_FILE));
    disk.overwrite(BETS_FILE, text);
    const result = await ledger.append(namedBatch("d"));
    assertEquals(result.status, "refused");
    assertEquals(failures.length, 1);
    assertEquals(disk.text(BETS_FILE), text);
  });
}

Deno.test("openFileLedger() refuses when bets.csv was deleted", async () => {
  const disk = await usedDisk();
  disk.remove(BETS_FILE);
  const journal = disk.text(JOURNAL_FILE);
  await assertRejects(() => openLedger(disk.process()), FatalLedgerError, "it has 0 bytes");
  assertEquals(disk.text(JOURNAL_FILE), journal);
});

Deno.test("openFileLedger() adds a line end that an editor has dropped, and nothing else", async () => {
  const disk = await usedDisk();
  const text = disk.text(BETS_FILE);
  disk.put(BETS_FILE, text.slice(0, -1));
  const { ledger, lines } = await openLedger(disk.process());
  assertEquals(disk.text(BETS_FILE), text);
  assertEquals(await storedBets(ledger, 1), 9);
  assertStringIncludes(lines.join("\n"), "the last row had lost its line end");
  assertEquals(copiesOf(disk), []);
});

Deno.test("FileLedger never truncates what is recorded, whatever an older journal says", async () => {
  const disk = await usedDisk();
  const { ledger } = await openLedger(disk.process());
  await ledger.append(namedBatch("d"));
  const from = disk.bytes(BETS_FILE).length;
  const journal = new RoundJournal(disk.process().open(JOURNAL_FILE));
  const { epoch } = journal.read().round!;
  journal.begin({ epoch, from: from - 10, to: from + 10_000, cuts: 0 });
  const stale = disk.text(JOURNAL_FILE);
  await ledger.append(namedBatch("e"));
  const bets = disk.text(BETS_FILE);
  disk.overwrite(JOURNAL_FILE, stale);
  assertEquals(await storedBets(ledger, 1), 13);
  assertEquals((await ledger.append(namedBatch("f"))).status, "stored");
  assert(disk.text(BETS_FILE).startsWith(bets));
});

Deno.test("FileLedger fails when its journal was replaced: two journals would cut each other's rounds", async () => {
  const disk = await usedDisk();
  const { ledger, failures } = await openLedger(disk.process());
  const journal = disk.text(JOURNAL_FILE);
  disk.remove(JOURNAL_FILE);
  disk.put(JOURNAL_FILE, journal);
  assertEquals((await ledger.append(namedBatch("d"))).status, "refused");
  assertStringIncludes(failures[0].message, "bets.csv.round was moved or deleted");
});

Deno.test("openFileLedger() refuses an agencies_closed.txt with other lines of the same length", async () => {
  for (const content of ["2\n", "\0\0", "x\n"]) {
    const disk = await usedDisk();
    disk.put(CLOSED_FILE, content);
    await assertRejects(() => openLedger(disk.process()), FatalLedgerError, "no longer what they");
  }
});

Deno.test("FileLedger stops when closes of another server are gone that it has not read yet", async () => {
  const disk = await usedDisk();
  const { ledger, failures } = await openLedger(disk.process());
  const { ledger: other } = await openLedger(disk.process());
  const before = disk.text(CLOSED_FILE);
  await other.close(5);
  disk.overwrite(CLOSED_FILE, before);
  assertEquals((await ledger.append(namedBatch("late", { agency: 5 }))).status, "refused");
  assertEquals(failures.length, 1);
});

Deno.test("FileLedger acknowledges nothing that is only in a moved file", async () => {
  const disk = await usedDisk();
  const { ledger, failures } = await openLedger(disk.process());
  await ledger.append(namedBatch("d"));
  // mv and cp, while the name was looked up a moment ago.
  const hold = disk.hold("sync", BETS_FILE);
  const storing = ledger.append(namedBatch("e"));
  const held = await Promise.race([hold.reached.then(() => true), storing.then(() => false)]);
  const bytes = disk.bytes(BETS_FILE);
  disk.remove(BETS_FILE);
  disk.put(BETS_FILE, bytes.slice(0, bytes.length - (held ? 10 : 0)));
  hold.release();
  const result = held ? await storing : await ledger.append(namedBatch("f"));
  assert(result.status !== "stored", "acknowledged in a moved file");
  assertEquals(failures.length, 1);
});

const CLOSED_SHORTENED: Record<string, Change> = {
  "was emptied": () => "",
  "lost its last line": (text) => text.slice(0, text.trimEnd().lastIndexOf("\n") + 1),
};

for (const [what, change] of Object.entries(CLOSED_SHORTENED)) {
  Deno.test(`Ledger takes no bet of a closed agency when agencies_closed.txt ${what}`, async () => {
    const disk = await usedDisk();
    const { ledger, failures } = await openLedger(disk.process());
    await ledger.close(5);
    disk.overwrite(CLOSED_FILE, change(disk.text(CLOSED_FILE)));
    const before = disk.text(BETS_FILE);
    assertEquals((await ledger.append(namedBatch("late", { agency: 5 }))).status, "refused");
    assertEquals(failures.length, 1);
    assertEquals(disk.text(BETS_FILE), before);
  });

  Deno.test(`openFileLedger() refuses an agencies_closed.txt that ${what}`, async () => {
    const disk = await usedDisk();
    disk.put(CLOSED_FILE, change(disk.text(CLOSED_FILE)));
    const before = filesOf(disk);
    await assertRejects(() => openLedger(disk.process()), FatalLedgerError, "2 were durable");
    assertEquals(filesOf(disk), before);
  });
}

const INVALID_ROWS: Record<string, string> = {
  "an impossible date": "1,Ana,Paz,1,1999-02-30,1",
  "a field too many": "1,Ana,Paz,1,1980-01-01,1,1",
  "a byte order mark": "\ufeff1,Ana,Paz,1,1980-01-01,1",
  "an agency that the lottery does not have": "6,Ana,Paz,1,1980-01-01,1",
  "a number with leading zeros": "1,Ana,Paz,1,1980-01-01,01",
};

for (const [what, row] of Object.entries(INVALID_ROWS)) {
  Deno.test(`openFileLedger() refuses a row with ${what}, by line and byte`, async () => {
    const disk = new MemoryDisk();
    const good = "1,Ana,Paz,1,1980-01-01,1\n";
    disk.put(BETS_FILE, `${good}${row}\n${good}`);
    const error = await assertRejects(() => openLedger(disk.process()), FatalLedgerError);
    assertStringIncludes(error.message, "line 2, at byte 25");
    assertNotMatch(error.message, /Ana|Paz|1999|1980/);
  });
}

Deno.test("FileLedger accepts rows with any birthdate that was valid once: clocks may be wrong", async () => {
  const disk = new MemoryDisk();
  disk.put(BETS_FILE, "1,Ana,Paz,1,2999-12-31,1\n");
  assertEquals(await storedBets((await openLedger(disk.process())).ledger, 1), 1);
});
