import { assert, assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { append, type HandingServer, HandingVolume } from "../../../testing/handing_volume.ts";
import { turnEnd } from "../../courtesy.ts";
import { BETS_FILE, LOG_PREFIX, WRITER_FILE } from "../volume_files.ts";

/** How often servers look for a writer. */
const TICK_MS = 500;

/** Lets a time pass, and what it has started come to its end. */
async function pass(time: FakeTime, timeMs: number): Promise<void> {
  await time.tickAsync(timeMs);
  await turnEnd();
}

/** How many rounds a server has written, and how many of its own batches are stored. */
function figuresOf({ ledger: { figures: { rounds, batches } } }: HandingServer) {
  return { rounds, batches };
}

function statuses(results: readonly { status: string }[]): string[] {
  return [...new Set(results.map(({ status }) => status))];
}

/** A writer, and a server that hands over to it. */
async function writerAndOther(volume: HandingVolume) {
  return { writer: await volume.open(), other: await volume.open() };
}

const NAMES = Array.from({ length: 40 }, (_, index) => `b${index}`);

Deno.test("Handover: figures count each batch once, where it came", async () => {
  using _time = new FakeTime();
  await using volume = new HandingVolume();
  const { writer, other } = await writerAndOther(volume);
  await append(writer, "a");
  await append(other, "b");
  await append(other, "wrong", 5);
  await other.ledger.close(1);
  await append(other, "late");
  assertEquals([figuresOf(writer), figuresOf(other)], [
    { rounds: 2, batches: 1 },
    { rounds: 0, batches: 1 },
  ]);
  assertEquals(other.ledger.figures.refused, { closed: 1, count: 1, disk: 0, other: 0 });
  assertEquals(other.ledger.figures.commitSeconds.count, 1);
  assertEquals(writer.ledger.figures.refused, { closed: 0, count: 0, disk: 0, other: 0 });
  assertEquals(writer.ledger.figures.commitSeconds.count, 1);
});

Deno.test("Handover: a writer that leaves stores what it was handed, and another one takes over", async () => {
  using time = new FakeTime();
  await using volume = new HandingVolume();
  const { writer, other } = await writerAndOther(volume);
  const third = await volume.open();
  const appends = NAMES.map((name) => append(other, name));
  await writer.ledger[Symbol.asyncDispose]();
  assertEquals(statuses(await Promise.all(appends)), ["stored"]);
  assertEquals(volume.stored(), NAMES);
  assertEquals(other.ledger.figures.rounds, 0);
  await pass(time, TICK_MS);
  await append(other, "later");
  await append(third, "last");
  assertEquals([figuresOf(other), figuresOf(third)], [
    { rounds: 2, batches: 41 },
    { rounds: 0, batches: 1 },
  ]);
});

for (const steps of [0, 1, 2, 3, 4, 5, 7]) {
  const title =
    `Handover: batches that come while the writer leaves keep their order, ${steps} steps apart`;
  Deno.test(title, async () => {
    using _time = new FakeTime();
    await using volume = new HandingVolume();
    const { writer, other } = await writerAndOther(volume);
    const appends: Promise<{ status: string }>[] = [];
    const leaving = writer.ledger[Symbol.asyncDispose]();
    for (const name of NAMES) {
      appends.push(append(other, name));
      // Each comes at another point of the switch.
      for (let step = 0; step < steps; step++) await null;
    }
    await leaving;
    assertEquals(statuses(await Promise.all(appends)), ["stored"]);
    assertEquals(volume.stored(), NAMES);
  });
}

Deno.test("Handover: a batch in the hands of a killed writer has an unknown outcome", async () => {
  using time = new FakeTime();
  await using volume = new HandingVolume();
  const { writer, other } = await writerAndOther(volume);
  const third = await volume.open();
  await append(other, "before");
  volume.disk.fault = ({ kind, file, process }) =>
    kind === "sync" && file === LOG_PREFIX && process === writer.process
      ? { kind: "kill" }
      : undefined;
  const pending = append(other, "pending");
  await turnEnd();
  assert(writer.process.isKilled);
  volume.kill(writer);
  assertEquals((await pending).status, "unknown");
  assertEquals(other.ledger.figures.unknown, 1);
  // Its place is free at once.
  await turnEnd();
  await append(other, "own");
  await append(third, "handed");
  await pass(time, TICK_MS);
  await append(third, "later");
  const { rounds } = third.ledger.figures;
  assertEquals(other.ledger.figures.rounds + rounds, 3);
  assertEquals(volume.stored(), ["before", "pending", "own", "handed", "later"]);
});

Deno.test("Handover: a writer without batches of its own makes room for the busiest server", async () => {
  using time = new FakeTime();
  await using volume = new HandingVolume();
  const { writer, other } = await writerAndOther(volume);
  const busiest = await volume.open();
  await append(other, "a");
  await append(busiest, "b");
  await append(busiest, "c");
  await pass(time, TICK_MS);
  await append(busiest, "d");
  await pass(time, TICK_MS);
  await append(other, "e");
  await append(writer, "f");
  assertEquals([writer, other, busiest].map(figuresOf), [
    { rounds: 3, batches: 1 },
    { rounds: 0, batches: 2 },
    { rounds: 3, batches: 3 },
  ]);
});

Deno.test("Handover: a writer with batches of its own stays the writer", async () => {
  using time = new FakeTime();
  await using volume = new HandingVolume();
  const { writer, other } = await writerAndOther(volume);
  for (let turn = 0; turn < 4; turn++) {
    await append(writer, `a${turn}`);
    await append(other, `b${turn}`);
    await append(other, `c${turn}`);
    await pass(time, TICK_MS);
  }
  assertEquals(figuresOf(other), { rounds: 0, batches: 8 });
});

for (const first of ["batches", "timers"] as const) {
  Deno.test(`Handover: a writer that was paused declines what has come meanwhile, if ${first} are first`, async () => {
    using time = new FakeTime();
    await using volume = new HandingVolume();
    const { writer, other } = await writerAndOther(volume);
    writer.skip(2500);
    if (first === "timers") await pass(time, TICK_MS);
    const results = await Promise.all(NAMES.map((name) => append(other, name)));
    assertEquals(statuses(results), ["stored"]);
    assertEquals(volume.stored(), NAMES);
    assertEquals([writer, other].map(figuresOf).map(({ batches }) => batches), [0, NAMES.length]);
    assertEquals(writer.ledger.figures.rounds, 0);
    // After that it writes for others again.
    await pass(time, TICK_MS);
    if (first === "batches") await pass(time, TICK_MS);
    await append(other, "later");
    assertEquals(writer.ledger.figures.rounds, 1);
  });
}

Deno.test("Handover: a batch that the disk of the writer refuses is stored by its own server", async () => {
  using _time = new FakeTime();
  await using volume = new HandingVolume();
  const { writer, other } = await writerAndOther(volume);
  volume.disk.fault = ({ kind, file, process }) =>
    kind === "write" && file === BETS_FILE && process === writer.process
      ? { kind: "fail" }
      : undefined;
  assertEquals(await append(other, "a", 0), { status: "stored" });
  assertEquals((await append(writer, "b", 1)).status, "refused");
  assertEquals([figuresOf(writer), figuresOf(other)], [
    { rounds: 0, batches: 0 },
    { rounds: 1, batches: 1 },
  ]);
  assertEquals(other.ledger.figures.refused.disk, 0);
  assertEquals(volume.stored(), ["a"]);
});

Deno.test("Handover: what a server has begun to store itself precedes what it hands over", async () => {
  using time = new FakeTime();
  await using volume = new HandingVolume();
  // No server can be the writer yet.
  const writerFile = volume.disk.process().open(WRITER_FILE);
  writerFile.tryLock();
  const server = await volume.open();
  const betsFile = volume.disk.process().open(BETS_FILE);
  betsFile.tryLock();
  const hold = volume.disk.hold("lock", BETS_FILE);
  const direct = append(server, "direct");
  await hold.reached;
  betsFile.unlock();
  writerFile.unlock();
  const writer = await volume.open();
  await pass(time, TICK_MS);
  const handed = append(server, "handed");
  await turnEnd();
  hold.release();
  assertEquals(statuses(await Promise.all([direct, handed])), ["stored"]);
  assertEquals(volume.stored(), ["direct", "handed"]);
  assertEquals([figuresOf(writer), figuresOf(server)], [
    { rounds: 1, batches: 0 },
    { rounds: 1, batches: 2 },
  ]);
});
