import { assertEquals, assertRejects } from "@std/assert";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { SyncFailedError } from "../fatal_error.ts";
import {
  type Checkpoint,
  CheckpointFile,
  NO_KNOWN_ROWS,
  parseCheckpoint,
} from "./checkpoint_file.ts";
import { PAGE_BYTES } from "./log_record.ts";

const NAME = "checkpoint";

function open(disk: MemoryDisk): CheckpointFile {
  const process = disk.process();
  const file = new CheckpointFile(process.open(NAME));
  process.syncFolder();
  return file;
}

const checkpoint = (sequence: number, epoch = 1): Checkpoint => ({
  sequence,
  epoch,
  size: 100 * sequence,
  isClean: false,
  known: { size: 10 * sequence, crc: 4_000_000_000 + sequence },
});

async function record(file: CheckpointFile, next: Checkpoint): Promise<void> {
  file.announce(next.sequence === 1 ? undefined : checkpoint(next.sequence - 1));
  await file.record(next);
}

Deno.test("CheckpointFile.read() returns the last checkpoint, and whether it was finished", async () => {
  const disk = new MemoryDisk();
  const [one, two] = [open(disk), open(disk)];
  assertEquals(two.read().last, undefined);
  for (let sequence = 1; sequence < 6; sequence++) {
    await record(one, checkpoint(sequence));
    const state = { last: checkpoint(sequence), finishedSize: 100 * sequence, isFinished: true };
    assertEquals(two.read(), state);
    one.announce(checkpoint(sequence));
    assertEquals(two.read(), { ...state, isFinished: false });
  }
});

Deno.test("CheckpointFile keeps the last checkpoint whatever a power cut leaves of the next", async () => {
  const disk = new MemoryDisk();
  const file = open(disk);
  for (let sequence = 1; sequence < 5; sequence++) {
    await record(file, checkpoint(sequence));
    // The next one fails before its sync.
    disk.fault = ({ kind }) => kind === "sync" ? { kind: "kill" } : undefined;
    const killed = open(disk);
    await record(killed, checkpoint(sequence + 1)).catch(() => {});
    disk.fault = () => undefined;
    for (const left of disk.afterPowerCut()) {
      const { last } = parseCheckpoint(left.bytes(NAME));
      assertEquals([sequence, sequence + 1].includes(last!.sequence), true);
    }
    const { last, finishedSize, isFinished } = file.read();
    assertEquals([last!.sequence, finishedSize], [sequence + 1, 100 * sequence]);
    assertEquals(isFinished, false);
  }
});

Deno.test("CheckpointFile.settle() makes the last one durable, so that the one before it is not needed", async () => {
  const disk = new MemoryDisk();
  const file = open(disk);
  await record(file, checkpoint(1));
  disk.fault = ({ kind }) => kind === "sync" ? { kind: "fail" } : undefined;
  await assertRejects(() => record(file, checkpoint(2)), SyncFailedError, "Cannot sync");
  disk.fault = () => undefined;
  assertEquals((await open(disk).settle()).finishedSize, 200);
  for (const left of disk.afterPowerCut()) {
    assertEquals(parseCheckpoint(left.bytes(NAME)).last, checkpoint(2));
  }
});

Deno.test("parseCheckpoint() counts no size of another epoch as finished", async () => {
  const disk = new MemoryDisk();
  const file = open(disk);
  await record(file, checkpoint(1, 1));
  disk.fault = ({ kind }) => kind === "sync" ? { kind: "kill" } : undefined;
  await record(open(disk), checkpoint(2, 2)).catch(() => {});
  disk.fault = () => undefined;
  assertEquals(file.read().finishedSize, 0);
});

Deno.test("parseCheckpoint() ignores known rows that are not durable, or belong to another slot", async () => {
  const disk = new MemoryDisk();
  const file = open(disk);
  const size = checkpoint(1).size;
  await record(file, { ...checkpoint(1), known: { size: size + 1, crc: 1 } });
  assertEquals(file.read().last?.known, NO_KNOWN_ROWS);
  await record(file, { ...checkpoint(1), known: { size, crc: 1 } });
  assertEquals(file.read().last?.known, { size, crc: 1 });
  const before = disk.bytes(NAME).slice();
  await record(file, { ...checkpoint(3), known: NO_KNOWN_ROWS });
  const mixed = disk.bytes(NAME).slice();
  const lineAt = mixed.indexOf(0x0a, PAGE_BYTES) + 1;
  mixed.set(before.subarray(lineAt, 2 * PAGE_BYTES), lineAt);
  assertEquals(parseCheckpoint(mixed).last, { ...checkpoint(3), known: NO_KNOWN_ROWS });
});
