import { assert, assertEquals, assertThrows } from "@std/assert";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { Random } from "../../../testing/random.ts";
import { PAGE_BYTES, parseRecords } from "./log_record.ts";
import { RedoLog } from "./redo_log.ts";

const OF = { lottery: "54a991fe-b547-8f16-9588-f46c0e71704b", epoch: 1 };

async function open(disk: MemoryDisk, pages: number): Promise<RedoLog> {
  const log = RedoLog.create(disk.process(), pages * PAGE_BYTES);
  log.begin(OF);
  await log.fill();
  return log;
}

Deno.test("RedoLog keeps every needed record, and writes while there is room, whatever the sizes", async () => {
  const random = new Random(7);
  for (let run = 0; run < 200; run++) {
    const disk = new MemoryDisk();
    const pages = 1 + random.below(12);
    const log = await open(disk, pages);
    const needed: { from: number; to: number; pages: number }[] = [];
    let size = 0;
    for (let round = 0; round < 60; round++) {
      const taken = 1 + random.below(4);
      const rows = new Uint8Array(1 + (taken - 1) * PAGE_BYTES).fill(0x61);
      if (log.write(size, rows)) needed.push({ from: size, to: size + rows.length, pages: taken });
      // An empty log takes whatever is not larger than it.
      else assert(needed.length > 0 || taken > pages);
      size += rows.length;
      if (random.once(3) && needed.length > 0) {
        const released = needed[random.below(needed.length)].to;
        log.release(released);
        while (needed.length > 0 && needed[0].to <= released) needed.shift();
      }
      const found = new Set(
        [...parseRecords(disk.bytes(log.name))].map(({ from }) => from),
      );
      for (const { from } of needed) assert(found.has(from), `the record of byte ${from} is gone`);
      assertEquals(log.used > 0, needed.length > 0);
    }
    assertEquals(disk.bytes(log.name).length, pages * PAGE_BYTES);
  }
});

Deno.test("RedoLog is empty on a full disk, and is filled when there is room", async () => {
  const disk = new MemoryDisk();
  disk.capacity = 3 * PAGE_BYTES;
  const log = await open(disk, 4);
  assertEquals([disk.bytes(log.name).length, log.hasRoom, log.used], [0, false, 1]);
  assertEquals(log.write(0, new Uint8Array(1)), false);
  disk.capacity = Infinity;
  await log.fill();
  assertEquals([log.hasRoom, log.used, log.write(0, new Uint8Array(1))], [true, 0, true]);
});

Deno.test("RedoLog.create() fails where another program has locked the new file: it would pass for dead", () => {
  const process = new MemoryDisk().process();
  const open = process.open.bind(process);
  process.open = (name) => Object.assign(open(name), { tryLock: () => false });
  assertThrows(() => RedoLog.create(process, PAGE_BYTES), Error, "has locked");
});
