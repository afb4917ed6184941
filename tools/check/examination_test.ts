import { assertEquals } from "@std/assert";
import { FolderDisk, writeAll } from "../../server/ledger/disk.ts";
import { RoundJournal } from "../../server/ledger/file/round_journal.ts";
import { needs } from "../../testing/needs.ts";
import { namedBatch, openLedger } from "../../server/testing/ledgers.ts";
import { CHECKPOINT_FILE, LOG_PREFIX } from "../../server/ledger/file/volume_files.ts";
import { examine, examineFiles, readAtOneMoment } from "./examination.ts";
import { repairVolume } from "./repair.ts";
import { plantVolume } from "./testing/planted_volume.ts";
import { exitCodeOf } from "./report.ts";

const ROW = "1,A,B,3,2000-01-01,1234\n";
const OPTIONS = { agencies: 5, waitMs: 10_000 };

Deno.test({
  ...needs(["write"], "examine() waits for a round in progress instead of reporting it as torn"),
  fn: async () => {
    await using volume = await plantVolume({ bets: ROW });
    const disk = new FolderDisk(volume.path);
    const bets = disk.open("bets.csv");
    const journal = new RoundJournal(disk.open("bets.csv.round"));
    await bets.lock();
    const rows = new TextEncoder().encode(ROW.repeat(2));
    journal.begin({ from: 24, to: 72, cuts: 0, epoch: 1 });
    writeAll(bets, rows.subarray(0, 30), 24);
    const examining = examine(volume.path, OPTIONS);
    writeAll(bets, rows.subarray(30), 54);
    bets.unlock();
    const found = await examining;
    assertEquals([exitCodeOf(found), found.bets.rows], [0, 3]);
    bets.close();
    journal.close();
  },
});

Deno.test({
  ...needs(["write"], "examine() finds only complete rounds while a writer appends without pause"),
  fn: async () => {
    await using volume = await plantVolume({ bets: "" });
    const disk = new FolderDisk(volume.path);
    const bets = disk.open("bets.csv");
    const journal = new RoundJournal(disk.open("bets.csv.round"));
    const round = new TextEncoder().encode(ROW.repeat(50));
    let isDone = false;
    let size = 0;
    const writing = (async () => {
      while (!isDone) {
        await bets.lock();
        journal.begin({ from: size, to: size + round.length, cuts: 0, epoch: 1 });
        writeAll(bets, round.subarray(0, 1000), size);
        // Let others run while half of the round is written.
        await new Promise((resolve) => setTimeout(resolve));
        writeAll(bets, round.subarray(1000), size + 1000);
        size += round.length;
        bets.unlock();
      }
    })();
    for (let turn = 0; turn < 20; turn++) {
      const found = await examine(volume.path, OPTIONS);
      assertEquals([exitCodeOf(found), found.bets.rows % 50], [0, 0]);
    }
    isDone = true;
    await writing;
    bets.close();
    journal.close();
  },
});

Deno.test({
  ...needs(["write"], "examine() starts again when a server has recovered the volume meanwhile"),
  fn: async () => {
    const journal = { from: 24, to: 48, cuts: 0, recalls: 0 };
    await using volume = await plantVolume({ bets: `${ROW}1,A`, journal });
    let reads = 0;
    const found = await readAtOneMoment(volume.path, {
      waitMs: 10_000,
      read: async (reader, snapshot) => {
        // Between the two snapshots of the first attempt.
        if (reads++ === 0) await repairVolume(volume.path, { waitMs: 10_000 });
        return examineFiles(reader, snapshot, { agencies: 5 });
      },
    });
    assertEquals([exitCodeOf(found), found.tail.state, reads], [0, "whole", 2]);
  },
});

Deno.test({
  ...needs(["write"], "examine() sees a volume as it is after recovery from its redo logs"),
  fn: async () => {
    await using volume = await plantVolume({});
    const disk = new FolderDisk(volume.path);
    const { ledger } = await openLedger(disk);
    await ledger.append(namedBatch("a", { count: 3 }));
    await ledger.append(namedBatch("b", { count: 2 }));
    const bets = disk.open("bets.csv");
    // As if all servers were killed and the power were cut.
    const rows = Deno.readFileSync(`${volume.path}/bets.csv`);
    const [log] = disk.list(LOG_PREFIX);
    const content = Deno.readFileSync(`${volume.path}/${log}`);
    const checkpoint = Deno.readFileSync(`${volume.path}/${CHECKPOINT_FILE}`);
    await ledger[Symbol.asyncDispose]();
    bets.truncate(0);
    writeAll(bets, new TextEncoder().encode("torn"), 0);
    bets.close();
    Deno.writeFileSync(`${volume.path}/${log}`, content);
    Deno.writeFileSync(`${volume.path}/${CHECKPOINT_FILE}`, checkpoint);
    const found = await examine(volume.path, OPTIONS);
    assertEquals([found.bets.rows, found.losses, found.tail.state], [5, [], "unrecovered"]);
    await repairVolume(volume.path, { waitMs: 10_000 });
    assertEquals(Deno.readFileSync(`${volume.path}/bets.csv`), rows);
    const after = await examine(volume.path, OPTIONS);
    assertEquals([exitCodeOf(after), after.bets.rows, disk.list(LOG_PREFIX)], [0, 5, []]);
  },
});
