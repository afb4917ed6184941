import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { filesOf, openLedger, usedDisk } from "../../testing/ledgers.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { openFileLedger } from "./file_ledger.ts";
import { FatalLedgerError } from "../fatal_error.ts";
import { BETS_FILE, IDENTITY_FILE } from "./volume_files.ts";

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
