/**
 * What hands, disks and power cuts do to the files of a volume, beside what servers do: nothing acknowledged
 * may be lost in silence, and nothing that was truncated may be gone.
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
import { batchOf, namedBatch, openLedger, storedBets } from "../../testing/ledgers.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { rowsOf } from "../../testing/witness.ts";
import { openFileLedger } from "./file_ledger.ts";
import { FatalLedgerError } from "../fatal_error.ts";
import { RoundJournal } from "./round_journal.ts";
import {
  BETS_FILE,
  CLOSED_FILE,
  DISK_FAILURE_FILE,
  IDENTITY_FILE,
  JOURNAL_FILE,
} from "./volume_files.ts";

/** A volume with bets of agency 1 in several rounds, and agency 4 closed; no server runs. */
async function usedDisk(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const { ledger } = await openLedger(disk.process());
  for (const name of ["a", "b", "c"]) await ledger.append(namedBatch(name, { count: 3 }));
  await ledger.close(4);
  await ledger[Symbol.asyncDispose]();
  return disk;
}

/** Files by name, as they are now. */
function filesOf(disk: MemoryDisk): Map<string, string> {
  return new Map([...disk.nodes.keys()].sort().map((name) => [name, disk.text(name)]));
}

/** The bytes that were truncated and kept. */
function copiesOf(disk: MemoryDisk): string[] {
  return [...disk.nodes.keys()].filter((name) => name.startsWith(`${BETS_FILE}.cut-`))
    .map((name) => disk.text(name));
}

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

Deno.test("openFileLedger() keeps a foreign tail where no copy can be made", async () => {
  const disk = await fullTornDisk(false);
  const text = disk.text(BETS_FILE);
  await assertRejects(() => openLedger(disk.process()), Error, "Cannot keep a copy of the last 5");
  assertEquals(disk.text(BETS_FILE), text);
  assertEquals(copiesOf(disk), []);
  disk.capacity = Infinity;
  await openLedger(disk.process());
  assertEquals(copiesOf(disk), ["1,Ana"]);
});

Deno.test("FileLedger never truncates what is durable, whatever an older journal says", async () => {
  const disk = await usedDisk();
  const { ledger } = await openLedger(disk.process());
  const journal = new RoundJournal(disk.process().open(JOURNAL_FILE));
  const from = disk.bytes(BETS_FILE).length;
  journal.read();
  journal.begin({ from, to: from + 10_000, cuts: 0, recalls: 0 });
  const stale = disk.text(JOURNAL_FILE);
  await ledger.append(namedBatch("d"));
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

Deno.test("FileLedger does not take back bets that another server has counted in an answer", async () => {
  const disk = new MemoryDisk();
  const process = disk.process();
  const { ledger } = await openLedger(process);
  const { ledger: other } = await openLedger(disk.process());
  const hold = disk.hold("sync", BETS_FILE);
  const storing = ledger.append(namedBatch("d"));
  await hold.reached;
  assertEquals(await storedBets(other, 1), 2);
  disk.fault = (operation) =>
    operation.kind === "sync" && operation.file === BETS_FILE && operation.process === process
      ? { kind: "fail" }
      : undefined;
  hold.release();
  assertEquals((await storing).status, "unknown");
  disk.fault = () => undefined;
  assertEquals(rowsOf(disk).length, 2);
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

Deno.test("openFileLedger() refuses a used volume whose identity is gone, and writes none when it refuses", async () => {
  for (const text of [undefined, "", '{"id":"x"']) {
    const disk = await usedDisk();
    disk.remove(IDENTITY_FILE);
    if (text !== undefined) disk.put(IDENTITY_FILE, text);
    const before = filesOf(disk);
    await assertRejects(
      () => openLedger(disk.process()),
      FatalLedgerError,
      "says of which lottery",
    );
    assertEquals(filesOf(disk), before);
  }
  const disk = await usedDisk();
  disk.put(IDENTITY_FILE, disk.text(IDENTITY_FILE).trimEnd());
  await openLedger(disk.process());
  const invalid = new MemoryDisk();
  invalid.put(BETS_FILE, "6,Ana,Paz,1,1980-01-01,1\n");
  await assertRejects(() => openLedger(invalid.process()), FatalLedgerError, "line 1");
  assertEquals(invalid.text(IDENTITY_FILE), "");
});

Deno.test("FileLedger leaves a note whichever sync fails", async () => {
  for (const file of [BETS_FILE, CLOSED_FILE]) {
    const disk = await usedDisk();
    const { ledger } = await openLedger(disk.process());
    disk.fault = (operation) =>
      operation.kind === "sync" && operation.file === file ? { kind: "fail" } : undefined;
    if (file === BETS_FILE) await ledger.append(namedBatch("d"));
    else await ledger.close(1);
    disk.fault = () => undefined;
    assertStringIncludes(disk.text(DISK_FAILURE_FILE), `Cannot sync ${file}`);
  }
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

Deno.test("openFileLedger() writes the identity of the lottery once, and holds servers to it", async () => {
  const disk = new MemoryDisk();
  await openLedger(disk.process());
  const identity = JSON.parse(disk.text(IDENTITY_FILE));
  assertEquals([identity.agencies, identity.winningNumber], [5, 7574]);
  const { log } = await openLedger(disk.process());
  assertEquals(JSON.parse(disk.text(IDENTITY_FILE)), identity);
  for (
    const settings of [{ agencies: 4, winningNumber: 7574 }, { agencies: 5, winningNumber: 7 }]
  ) {
    const error = await assertRejects(
      () => openFileLedger(disk.process(), { ...settings, log }),
      FatalLedgerError,
    );
    assertStringIncludes(error.message, "AGENCIES_AMOUNT=5");
    assertStringIncludes(error.message, "LOTTERY_WINNER_NUMBER=7574");
  }
});

Deno.test("openFileLedger() rewrites an identity whose writer was killed, and refuses another text", async () => {
  for (const torn of ["", '{"id":"x","agen', "\0\0\0"]) {
    const disk = new MemoryDisk();
    disk.put(IDENTITY_FILE, torn);
    await openLedger(disk.process());
    assertEquals(JSON.parse(disk.text(IDENTITY_FILE)).agencies, 5);
  }
  const disk = new MemoryDisk();
  disk.put(IDENTITY_FILE, '{"agencies":"five"}\n');
  await assertRejects(() => openLedger(disk.process()), FatalLedgerError, "not the identity");
});

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

/** Opens a ledger that cannot unlock one of its files, from the moment that is returned with it. */
async function openUnableToUnlock(disk: MemoryDisk, name: string) {
  const process = disk.process();
  const open = process.open.bind(process);
  let breakIt = () => {};
  process.open = (opened) => {
    const file = open(opened);
    const unlock = () => {
      throw new Error("Input/output error (os error 5)");
    };
    if (opened === name) breakIt = () => Object.assign(file, { unlock });
    return file;
  };
  return { ...await openLedger(process), process, breakIt: () => breakIt() };
}

Deno.test("FileLedger acknowledges a stored batch although it cannot unlock bets.csv, and fails", async () => {
  const disk = await usedDisk();
  const { ledger, failures, breakIt, process } = await openUnableToUnlock(disk, BETS_FILE);
  breakIt();
  assertEquals((await ledger.append(namedBatch("d"))).status, "stored");
  assertEquals(rowsOf(disk).length, 11);
  assertEquals(failures.length, 1);
  assertStringIncludes(failures[0].message, "Cannot unlock bets.csv");
  assertEquals((await ledger.append(namedBatch("e"))).status, "refused");
  process.kill();
  const next = await openLedger(disk.process());
  assertEquals(await storedBets(next.ledger, 1), 11);
});

Deno.test("FileLedger closes an agency although it cannot unlock agencies_closed.txt, and fails", async () => {
  const disk = await usedDisk();
  const { ledger, failures, breakIt } = await openUnableToUnlock(disk, CLOSED_FILE);
  breakIt();
  assertEquals(await ledger.close(2), { status: "closed", repeated: false });
  assertEquals(failures.length, 1);
  assertStringIncludes(failures[0].message, "Cannot unlock agencies_closed.txt");
});

Deno.test("FileLedger on a full disk costs other servers no reading", async () => {
  const disk = await usedDisk();
  const [full, other] = [await openLedger(disk.process()), await openLedger(disk.process())];
  await other.ledger.progress(1);
  disk.capacity = disk.used + 10;
  assertEquals((await full.ledger.append(namedBatch("d", { count: 9 }))).status, "refused");
  disk.capacity = Infinity;
  const reads: string[] = [];
  disk.fault = ({ kind, file }) => void (kind === "read" && reads.push(file));
  assertEquals(await storedBets(other.ledger, 1), 9);
  assertEquals(reads.filter((file) => file === BETS_FILE), []);
});

Deno.test("FileLedger counts a large file in slices, without holding the lock", async () => {
  const disk = new MemoryDisk();
  const row = "1,Ana,Paz,12345678,1980-01-01,7574\n";
  disk.put(BETS_FILE, row.repeat(100_000));
  let [longest, reads] = [0, 0];
  disk.fault = ({ kind, file }) => {
    if (file !== BETS_FILE) return undefined;
    if (kind === "tryLock") reads = 0;
    if (kind === "read") reads++;
    if (kind === "unlock") longest = Math.max(longest, reads);
  };
  const { ledger } = await openLedger(disk.process());
  assertEquals(await storedBets(ledger, 1), 100_000);
  // A read takes 256 KiB at most.
  assert(longest <= 6, `${longest} reads under the lock`);
});

Deno.test("FileLedger keeps the winners of every row", async () => {
  const disk = new MemoryDisk();
  const { ledger } = await openLedger(disk.process());
  const bets = Array.from({ length: 500 }, (_, at) => `A;B;${at};1980-01-01;7574`);
  await ledger.append(batchOf(`StoreBatch:2;${bets.join(":")}`));
  for (let agency = 1; agency <= 5; agency++) await ledger.close(agency);
  const pieces = await Array.fromAsync((await ledger.draw())!.winners(2));
  const text = pieces.map((piece) => new TextDecoder().decode(piece)).join(";");
  assertEquals(text.split(";"), bets.map((_, at) => String(at)));
});
