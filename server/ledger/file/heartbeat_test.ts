import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { keepLog, namedBatch } from "../../testing/ledgers.ts";
import { MemoryDisk, type MemoryProcess } from "../../testing/memory_disk.ts";
import type { Readiness } from "../ledger.ts";
import { Heartbeat } from "./heartbeat.ts";
import { type FileLedger, openFileLedger } from "./file_ledger.ts";

const HEARTBEAT_MS = 1000;

async function open(process: MemoryProcess): Promise<FileLedger> {
  const ledger = await openFileLedger(process, {
    agencies: 3,
    winningNumber: 7574,
    log: keepLog().log,
    heartbeatMs: HEARTBEAT_MS,
  });
  ledger.onChange(() => {});
  return ledger;
}

/** Lets fake time pass, and what it has started come to its end. */
async function pass(time: FakeTime, milliseconds: number): Promise<void> {
  await time.tickAsync(milliseconds);
  await time.runMicrotasks();
}

function reasonOf(readiness: Readiness): string {
  assert(!readiness.isReady);
  return readiness.reason;
}

Deno.test("FileLedger.readiness() notices a disk without room, and that there is room again", async () => {
  using time = new FakeTime();
  const disk = new MemoryDisk();
  const ledger = await open(disk.process());
  await pass(time, HEARTBEAT_MS);
  assertEquals(ledger.readiness(), { isReady: true });
  disk.fault = ({ kind, file }) =>
    kind === "write" && file.startsWith(".trial") ? { kind: "fail" } : undefined;
  await pass(time, HEARTBEAT_MS);
  assertStringIncludes(reasonOf(ledger.readiness()), "cannot write to the volume");
  disk.fault = () => undefined;
  await pass(time, HEARTBEAT_MS);
  assertEquals(ledger.readiness(), { isReady: true });
  await ledger[Symbol.asyncDispose]();
});

Deno.test("Heartbeat.readiness() says how long a beat has waited for the lock, until it has it", async () => {
  let nowMs = 0;
  const { promise: locked, resolve: unlock } = Promise.withResolvers<void>();
  using heartbeat = new Heartbeat({
    everyMs: 1_000_000,
    disk: new MemoryDisk().process(),
    locked: (work) => locked.then(work),
    now: () => nowMs,
  });
  const beating = heartbeat.beat();
  nowMs = 1999;
  assertEquals(heartbeat.readiness(), { isReady: true });
  nowMs = 3500;
  assertStringIncludes(reasonOf(heartbeat.readiness()), "the lock of bets.csv");
  assertStringIncludes(reasonOf(heartbeat.readiness()), "for 3 s");
  unlock();
  await beating;
  assertEquals(heartbeat.readiness(), { isReady: true });
});

Deno.test("a heartbeat waits for the lock of bets.csv", async () => {
  using time = new FakeTime();
  const disk = new MemoryDisk();
  const ledger = await open(disk.process());
  const holder = disk.process().open("bets.csv");
  assert(holder.tryLock());
  const operations: string[] = [];
  disk.fault = ({ kind, file }) => void operations.push(`${kind} ${file}`);
  await pass(time, HEARTBEAT_MS);
  assert(operations.includes("tryLock bets.csv"), operations.join());
  assert(!operations.some((operation) => operation.startsWith("write")), operations.join());
  holder.unlock();
  await ledger[Symbol.asyncDispose]();
});

Deno.test("the beats of a ledger leave nothing on the volume, and sync nothing", async () => {
  using time = new FakeTime();
  const disk = new MemoryDisk();
  const ledger = await open(disk.process());
  await ledger.append(namedBatch("a"));
  await pass(time, HEARTBEAT_MS);
  const names = Array.from(disk.nodes.keys()).sort();
  const operations: string[] = [];
  disk.fault = ({ kind }) => void operations.push(kind);
  await pass(time, 3 * HEARTBEAT_MS);
  assert(operations.includes("write"), operations.join());
  assert(!operations.some((kind) => kind.startsWith("sync")), operations.join());
  assertEquals(Array.from(disk.nodes.keys()).sort(), names);
  assert(!names.some((name) => name.startsWith(".trial")), names.join());
  await ledger[Symbol.asyncDispose]();
});

Deno.test("FileLedger.seen() and readiness() use neither disk nor lock", async () => {
  const disk = new MemoryDisk();
  const ledger = await open(disk.process());
  await ledger.append(namedBatch("a"));
  const operations: string[] = [];
  disk.fault = ({ kind, file }) => void operations.push(`${kind} ${file}`);
  for (let time = 0; time < 100; time++) {
    assertEquals(ledger.seen()[0], { bets: 2, isClosed: false });
    assertEquals(ledger.readiness(), { isReady: true });
  }
  assertEquals(operations, []);
  await ledger[Symbol.asyncDispose]();
});
