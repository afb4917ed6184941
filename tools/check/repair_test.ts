import { assertEquals, assertRejects } from "@std/assert";
import { FolderDisk } from "../../server/ledger/disk.ts";
import type { DurableMark } from "../../server/ledger/file/round_journal.ts";
import { needs } from "../../testing/needs.ts";
import { filesOf, plantVolume, writeJournal } from "./testing/planted_volume.ts";
import { repairTail } from "./repair.ts";

const ROW = "1,A,B,3,2000-01-01,1234\n";
const KILLED = { bets: `${ROW}${ROW}1,A`, journal: { from: 24, to: 72, cuts: 4, recalls: 0 } };
const now = () => Date.UTC(2026, 10, 23, 10, 0, 0);
const SIDE = "bets.csv.cut-20261123T100000Z";
const OPTIONS = { waitMs: 10_000, now };

/** Returns the journal's line after a cut to `size`. */
async function journalOf(size: number, cuts: number, mark?: DurableMark): Promise<string> {
  await using volume = await plantVolume({});
  writeJournal(volume.path, { from: size, to: size, cuts, recalls: 0 }, mark);
  return (await filesOf(volume.path))["bets.csv.round"];
}

Deno.test({
  ...needs(["write"], "repairTail() copies what it truncates, and records the truncation"),
  fn: async () => {
    await using volume = await plantVolume(KILLED);
    const repair = await repairTail(volume.path, OPTIONS);
    assertEquals(repair, { side: SIDE, cutBytes: 27, size: 24, wroteJournal: true });
    assertEquals(await filesOf(volume.path), {
      "bets.csv": ROW,
      "bets.csv.round": await journalOf(24, 5),
      [SIDE]: `${ROW}1,A`,
    });
    const again = await repairTail(volume.path, OPTIONS);
    assertEquals(again, { cutBytes: 0, size: 24, wroteJournal: false });
  },
});

Deno.test({
  ...needs(["write"], "repairTail() keeps what the journal knows to be durable"),
  fn: async () => {
    const mark = { bets: 24, closed: 2, closedSum: 7 };
    await using volume = await plantVolume({ ...KILLED, mark });
    await repairTail(volume.path, OPTIONS);
    const files = await filesOf(volume.path);
    assertEquals(files["bets.csv.round"], await journalOf(24, 5, mark));
    await using durable = await plantVolume({ ...KILLED, mark: { ...mark, bets: 60 } });
    const before = await filesOf(durable.path);
    await assertRejects(() => repairTail(durable.path, OPTIONS), Error, "durable bytes");
    assertEquals(await filesOf(durable.path), before);
  },
});

Deno.test({
  ...needs(["write"], "repairTail() never overwrites an earlier copy"),
  fn: async () => {
    await using volume = await plantVolume(KILLED);
    for (const name of [SIDE, `${SIDE}-2`]) {
      await Deno.writeTextFile(`${volume.path}/${name}`, "before");
    }
    const { side } = await repairTail(volume.path, OPTIONS);
    assertEquals(side, `${SIDE}-3`);
    const files = await filesOf(volume.path);
    assertEquals([files[SIDE], files[`${SIDE}-2`], files[`${SIDE}-3`]], [
      "before",
      "before",
      `${ROW}1,A`,
    ]);
  },
});

Deno.test({
  ...needs(["write"], "repairTail() changes nothing when the copy cannot be written"),
  fn: async () => {
    await using volume = await plantVolume({ bets: `${ROW}1,A,B,3,2000-01-01,1234` });
    const before = await filesOf(volume.path);
    const disk = new FolderDisk(volume.path);
    const create = disk.create.bind(disk);
    let written = 0;
    disk.create = (name) => {
      const file = create(name)!;
      const write = file.write.bind(file);
      file.write = (bytes, position) => {
        if (written >= 20) throw new Error("No space left on device");
        written += 10;
        return write(bytes.subarray(0, 10), position);
      };
      return file;
    };
    await assertRejects(
      () => repairTail(volume.path, { ...OPTIONS, disk }),
      Error,
      "No space left on device. Nothing was changed",
    );
    assertEquals(written, 20);
    assertEquals(await filesOf(volume.path), before);
  },
});

Deno.test({
  ...needs(["write"], "repairTail() completes a repair that was interrupted after its cut"),
  fn: async () => {
    await using volume = await plantVolume({ ...KILLED, bets: ROW });
    const repair = await repairTail(volume.path, OPTIONS);
    assertEquals(repair, { side: undefined, cutBytes: 0, size: 24, wroteJournal: true });
    assertEquals(await filesOf(volume.path), {
      "bets.csv": ROW,
      "bets.csv.round": await journalOf(24, 5),
    });
  },
});

Deno.test({
  ...needs(["write"], "repairTail() waits for a writer, and then finds its round complete"),
  fn: async () => {
    await using volume = await plantVolume(KILLED);
    using writer = await Deno.open(`${volume.path}/bets.csv`, { read: true, write: true });
    await writer.lock(true);
    const repairing = repairTail(volume.path, OPTIONS);
    await Deno.writeTextFile(`${volume.path}/bets.csv`, ROW.repeat(3));
    await writer.unlock();
    assertEquals(await repairing, { cutBytes: 0, size: 72, wroteJournal: false });
    assertEquals((await filesOf(volume.path))["bets.csv"], ROW.repeat(3));
  },
});
