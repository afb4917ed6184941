import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { AGENCIES, batchOf, namedBatch, openLedger } from "../../testing/ledgers.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { rowsOf } from "../../testing/witness.ts";
import { turnEnd } from "./serial_queue.ts";
import { LedgerError } from "../ledger.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("Ledgers of two servers see each other's bets, winners and closes", async () => {
  const disk = new MemoryDisk();
  const [one, two] = [
    (await openLedger(disk.process())).ledger,
    (await openLedger(disk.process())).ledger,
  ];
  const winning = (document: string) => batchOf(`StoreBet:2;Eva;Rey;${document};1980-01-01;7574`);
  for (
    const [ledger, document] of [[one, "10"], [two, "20"], [two, '3"0'], [one, "4,0"]] as const
  ) {
    assertEquals(await ledger.append(winning(document)), "stored");
    assertEquals(await ledger.append(namedBatch("x", { agency: 1, count: 3 })), "stored");
  }
  for (const ledger of [one, two]) {
    assertEquals([await ledger.stored(1), await ledger.stored(2), await ledger.stored(3)], [
      12,
      4,
      0,
    ]);
    await ledger.settle();
    assertEquals(text(ledger.winners(2)), '10;20;3"0;4,0');
    assertEquals(text(ledger.winners(1)), "");
  }
  const third = (await openLedger(disk.process())).ledger;
  assertEquals(text(third.winners(2)), '10;20;3"0;4,0');
  for (let agency = 1; agency <= AGENCIES; agency++) {
    assertEquals([one, two, third].map((ledger) => ledger.isComplete()), [false, false, false]);
    assertEquals(await one.close(agency), { repeated: false, complete: agency === AGENCIES });
    assertEquals(await two.close(agency), { repeated: true, complete: agency === AGENCIES });
  }
  assertEquals([one, two, third].map((ledger) => ledger.isComplete()), [true, true, true]);
});

Deno.test("Ledger is complete when agencies 1 to the last are closed, whichever else are", async () => {
  const disk = new MemoryDisk();
  disk.put("agencies_closed.txt", "1\n2\n3\n4\n6\n7\n9999\n");
  const { ledger } = await openLedger(disk.process());
  assertEquals(ledger.isComplete(), false);
  assertEquals(await ledger.close(5), { repeated: false, complete: true });
});

Deno.test("Ledger.append() stores batches that wait together in one round, in their order", async () => {
  const disk = new MemoryDisk();
  const { ledger } = await openLedger(disk.process());
  await ledger.append(namedBatch("first"));
  const operations: string[] = [];
  disk.fault = ({ kind, file }) => void operations.push(`${kind} ${file}`);
  const names = Array.from({ length: 50 }, (_, index) => `b${index}`);
  const results = await Promise.all(names.map((name) => ledger.append(namedBatch(name))));
  assert(results.every((result) => result === "stored"));
  for (const once of ["write bets.csv", "sync bets.csv", "write bets.csv.round"]) {
    assertEquals(operations.filter((operation) => operation === once).length, 1, once);
  }
  const documents = rowsOf(disk).map(([, , , document]) => document);
  assertEquals(documents, ["first", ...names].flatMap((name) => [`${name}-0`, `${name}-1`]));
});

Deno.test("Ledger.append() reads the batch before it returns", async () => {
  const disk = new MemoryDisk();
  const { ledger } = await openLedger(disk.process());
  const batch = namedBatch("kept");
  const storing = ledger.append(batch);
  batch.rows.fill(0x78);
  batch.agency = 2;
  assertEquals(await storing, "stored");
  assertEquals(rowsOf(disk).map(([agency, , , document]) => [agency, document]), [
    ["1", "kept-0"],
    ["1", "kept-1"],
  ]);
});

Deno.test("Ledger.append() takes refused batches out of a round and leaves the others", async () => {
  const disk = new MemoryDisk();
  const { ledger } = await openLedger(disk.process());
  await ledger.close(2);
  const win = (agency: number, document: string) =>
    batchOf(`StoreBatch:${agency};A;B;${document};1980-01-01;7574:A;B;x;1980-01-01;1`);
  const results = await Promise.all([
    ledger.append(win(2, "closed")),
    ledger.append(win(1, "one"), 0),
    ledger.append(win(1, "early"), 0),
    ledger.append(win(1, "two"), 2),
    ledger.append(win(3, "three"), 1),
    ledger.append(win(3, "four")),
    ledger.append(win(2, "closed"), 0),
  ]);
  assertEquals(results.map((result) => result === "stored"), [
    false,
    true,
    false,
    true,
    false,
    true,
    false,
  ]);
  assertEquals(results[0], { refused: "agency 2 is closed" });
  assertNotEquals(results[2], "stored");
  assertEquals(rowsOf(disk).map(([agency, , , document]) => `${agency} ${document}`), [
    "1 one",
    "1 x",
    "1 two",
    "1 x",
    "3 four",
    "3 x",
  ]);
  await ledger.settle();
  assertEquals([1, 2, 3].map((agency) => text(ledger.winners(agency))), ["one;two", "", "four"]);
  const { ledger: next } = await openLedger(disk.process());
  assertEquals([1, 2, 3].map((agency) => text(next.winners(agency))), ["one;two", "", "four"]);
});

Deno.test("Ledger.append() compares the expected bets with what all servers have stored", async () => {
  const disk = new MemoryDisk();
  const [one, two] = [
    (await openLedger(disk.process())).ledger,
    (await openLedger(disk.process())).ledger,
  ];
  assertEquals(await one.append(namedBatch("a"), 0), "stored");
  assertEquals(await two.append(namedBatch("b"), 2), "stored");
  const refusal = await one.append(namedBatch("c"), 2);
  assertEquals(refusal, {
    refused: "agency 1 has 4 bets, where this connection knows of 2: others were stored since, " +
      "ask for progress and go on from there",
  });
  assertEquals(await one.append(namedBatch("c"), 5) === "stored", false);
  assertEquals(await one.append(namedBatch("c"), 4), "stored");
  assertEquals(rowsOf(disk).length, 6);
});

Deno.test("Ledger.append() keeps the packet's answer back until the sync has ended", async () => {
  const disk = new MemoryDisk();
  const { ledger } = await openLedger(disk.process());
  const hold = disk.hold("sync", "bets.csv");
  let isAnswered = false;
  const storing = ledger.append(namedBatch("a")).finally(() => isAnswered = true);
  await hold.reached;
  // The row is there and the lock is free for others, but nothing was promised yet.
  const { ledger: other } = await openLedger(disk.process());
  assertEquals(await other.append(namedBatch("b")), "stored");
  assertEquals(isAnswered, false);
  hold.release();
  assertEquals(await storing, "stored");
});

Deno.test("Ledger.append() puts what comes while another server holds the lock into the same round", async () => {
  const disk = new MemoryDisk();
  const { ledger } = await openLedger(disk.process());
  const other = disk.process().open("bets.csv");
  assertEquals(other.tryLock(), true);
  const first = ledger.append(namedBatch("a", { agency: 1 }));
  for (let turn = 0; turn < 20; turn++) await turnEnd();
  const second = ledger.append(namedBatch("b", { agency: 2 }));
  const writes: number[] = [];
  disk.fault = ({ kind, number }) => void (kind === "write" && writes.push(number));
  other.unlock();
  assertEquals(await Promise.all([first, second]), ["stored", "stored"]);
  // The journal, and the rows of both.
  assertEquals(writes.length, 2);
  assertEquals(disk.text("bets.csv").split("\n").length, 5);
});

Deno.test("Ledger.stored() asks the disk once for all who ask at the same time", async () => {
  const disk = new MemoryDisk();
  const { ledger } = await openLedger(disk.process());
  for (const agency of [1, 2, 2, 3]) await ledger.append(namedBatch("a", { agency }));
  const before = disk.operations;
  assertEquals(await ledger.stored(1), 2);
  const once = disk.operations - before;
  const asked = [1, 2, 3, 4, 2].map((agency) => ledger.stored(agency));
  assertEquals(await Promise.all(asked), [2, 4, 2, 0, 4]);
  assertEquals(disk.operations - before, 2 * once);
  // Who asks later hears of what came later.
  await ledger.append(namedBatch("b", { agency: 4 }));
  assertEquals(await ledger.stored(4), 2);
});

Deno.test("Ledger.stored() syncs what others have not, before it counts it", async () => {
  const disk = new MemoryDisk();
  const [one, two] = [
    (await openLedger(disk.process())).ledger,
    (await openLedger(disk.process())).ledger,
  ];
  const hold = disk.hold("sync", "bets.csv");
  const storing = one.append(namedBatch("a"));
  await hold.reached;
  assertEquals(await two.stored(1), 2);
  for (const left of disk.afterPowerCut()) assertEquals(rowsOf(left).length, 2);
  hold.release();
  assertEquals(await storing, "stored");
});

Deno.test("Ledger.settle() makes closes last that others have not synced", async () => {
  const disk = new MemoryDisk();
  const [one, two] = [
    (await openLedger(disk.process())).ledger,
    (await openLedger(disk.process())).ledger,
  ];
  const hold = disk.hold("sync", "agencies_closed.txt");
  const closing = one.close(1);
  await hold.reached;
  // Settling waits for the lock; the close goes on meanwhile.
  const settling = two.settle();
  hold.release();
  await Promise.all([closing, settling]);
  for (const left of disk.afterPowerCut()) assertEquals(left.text("agencies_closed.txt"), "1\n");
});

Deno.test("Ledger.close() waits for who appends bets before it writes anything", async () => {
  const disk = new MemoryDisk();
  const { ledger } = await openLedger(disk.process());
  const appending = disk.process().open("bets.csv");
  assert(appending.tryLock());
  const hold = disk.hold("lock", "bets.csv");
  const closing = ledger.close(1);
  await hold.reached;
  assertEquals(disk.text("agencies_closed.txt"), "");
  hold.release();
  appending.unlock();
  assertEquals(await closing, { repeated: false, complete: false });
  assertEquals(disk.text("agencies_closed.txt"), "1\n");
});

Deno.test("Ledger.close() makes a close last whose writer was killed before its sync", async () => {
  const disk = new MemoryDisk();
  const { ledger: killed } = await openLedger(disk.process());
  const { ledger } = await openLedger(disk.process());
  disk.fault = ({ kind, file }) =>
    kind === "sync" && file === "agencies_closed.txt" ? { kind: "kill" } : undefined;
  await assertRejects(() => killed.close(3));
  disk.fault = () => undefined;
  assertEquals(await ledger.close(3), { repeated: true, complete: false });
  for (const left of disk.afterPowerCut()) assertEquals(left.text("agencies_closed.txt"), "3\n");
});

Deno.test("Ledger.close() makes a close last that the disk has forgotten after a failed sync", async () => {
  for (const retried of [3, 4]) {
    const disk = new MemoryDisk();
    const { ledger, failures } = await openLedger(disk.process());
    assertEquals(await ledger.close(2), { repeated: false, complete: false });
    disk.fault = ({ kind, file }) =>
      kind === "sync" && file === "agencies_closed.txt" ? { kind: "fail" } : undefined;
    await assertRejects(() => ledger.close(3), LedgerError, "Cannot make agencies_closed.txt last");
    disk.fault = () => undefined;
    assertEquals(failures.length, 1);
    const { ledger: next } = await openLedger(disk.process());
    assertEquals(await next.close(retried), { repeated: retried === 3, complete: false });
    // Another agency's line behind the forgotten one would be of no use without it.
    const closed = retried === 3 ? "2\n3\n" : "2\n3\n4\n";
    for (const left of disk.afterPowerCut()) assertEquals(left.text("agencies_closed.txt"), closed);
  }
});

Deno.test("Ledger refuses while the disk is full and goes on when there is room", async () => {
  for (let room = 0; room < 60; room += 7) {
    const disk = new MemoryDisk();
    const { ledger, failures } = await openLedger(disk.process());
    const { ledger: other } = await openLedger(disk.process());
    assertEquals(await ledger.append(namedBatch("a")), "stored");
    disk.capacity = disk.used + room;
    for (const full of [ledger, other, ledger]) {
      const result = await full.append(namedBatch("b", { count: 3 }));
      assert(result !== "stored" && result.refused.includes("No space left"));
      assertEquals(rowsOf(disk).length, 2);
    }
    assertEquals(await ledger.stored(1), 2);
    await assertRejects(
      async () => {
        disk.capacity = disk.used;
        await ledger.close(1);
      },
      Error,
      "No space left",
    );
    disk.capacity = Infinity;
    assertEquals(await ledger.append(namedBatch("c")), "stored");
    assertEquals(await other.append(namedBatch("d", { count: 1 })), "stored");
    assertEquals(await ledger.stored(1), 5);
    assertEquals(failures, []);
  }
});

Deno.test("Ledger refuses everything after a failed sync, and tells so once", async () => {
  const disk = new MemoryDisk();
  const { ledger, failures } = await openLedger(disk.process());
  const { ledger: other, failures: otherFailures } = await openLedger(disk.process());
  assertEquals(await ledger.append(namedBatch("a")), "stored");
  const struck = disk.operations;
  disk.fault = ({ kind, file, number }) => {
    if (kind !== "sync" || file !== "bets.csv" || number < struck) return undefined;
    disk.fault = () => undefined;
    return { kind: "fail" };
  };
  const results = await Promise.all([
    ledger.append(namedBatch("b")),
    ledger.append(namedBatch("c", { agency: 2 })),
  ]);
  assert(
    results.every((result) => result !== "stored" && result.refused.includes("failed to sync")),
  );
  // They were the last in the file: they are gone, and a refusal is the truth.
  assertEquals(rowsOf(disk).length, 2);
  const later = await ledger.append(namedBatch("d"));
  assert(later !== "stored" && later.refused.includes("failed to sync"));
  await assertRejects(() => ledger.close(1), LedgerError);
  await assertRejects(() => ledger.stored(1), LedgerError);
  await assertRejects(() => ledger.settle(), LedgerError);
  assertEquals(failures.length, 1);
  // The disk tells the other server too, once; who starts anew goes on.
  const elsewhere = await other.append(namedBatch("e"));
  assert(elsewhere !== "stored" && elsewhere.refused.includes("an earlier one has failed"));
  assertEquals(otherFailures.length, 1);
  assertEquals(rowsOf(disk).length, 2);
  const { ledger: next } = await openLedger(disk.process());
  assertEquals(await next.append(namedBatch("f")), "stored");
  assertEquals(await next.stored(1), 4);
});

Deno.test("Ledger leaves open what became of bets whose sync failed while others wrote behind", async () => {
  const disk = new MemoryDisk();
  const process = disk.process();
  const { ledger, failures } = await openLedger(process);
  const { ledger: other } = await openLedger(disk.process());
  const hold = disk.hold("sync", "bets.csv");
  const storing = ledger.append(namedBatch("a"));
  await hold.reached;
  const otherHold = disk.hold("sync", "bets.csv");
  const storingBehind = other.append(namedBatch("b", { agency: 2 }));
  await otherHold.reached;
  disk.fault = (operation) =>
    operation.kind === "sync" && operation.file === "bets.csv" && operation.process === process
      ? { kind: "fail" }
      : undefined;
  hold.release();
  await assertRejects(() => storing, LedgerError, "Cannot tell whether the bets will last");
  otherHold.release();
  const behind = await storingBehind;
  assert(behind !== "stored" && behind.refused.includes("an earlier one has failed"));
  assertEquals(failures.length, 1);
  // What was left open is there for good, without a hole; what was refused is not.
  for (const left of disk.afterPowerCut()) {
    assertEquals(rowsOf(left).map(([, , , document]) => document), ["a-0", "a-1"]);
  }
});

Deno.test("openFileLedger() refuses a damaged bets.csv by line and byte and leaves it as it is", async () => {
  const disk = new MemoryDisk();
  const content = "1,Ana,Paz,1,1980-01-01,1\nhello\n";
  disk.put("bets.csv", content);
  await assertRejects(() => openLedger(disk.process()), Error, "line 2, at byte 25");
  assertEquals(disk.text("bets.csv"), content);
});

Deno.test("Ledger.dispose() ends the round in hand and lets go of the files", async () => {
  const disk = new MemoryDisk();
  const { ledger } = await openLedger(disk.process());
  const storing = ledger.append(namedBatch("a"));
  const disposed = ledger.dispose();
  assertEquals(await storing, "stored");
  await disposed;
  assertEquals(rowsOf(disk).length, 2);
});
