import { assertEquals } from "@std/assert";
import { FolderDisk, writeAll } from "../../server/ledger/disk.ts";
import { RoundJournal } from "../../server/ledger/file/round_journal.ts";
import { needs } from "../../testing/needs.ts";
import { examine } from "./examination.ts";
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
    journal.begin({ from: 24, to: 72, cuts: 0, recalls: 0 });
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
        journal.begin({ from: size, to: size + round.length, cuts: 0, recalls: 0 });
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
  ...needs(["write"], "examine() starts again when a server has recovered the end meanwhile"),
  fn: async () => {
    await using volume = await plantVolume({
      bets: `${ROW}1,A`,
      journal: { from: 24, to: 48, cuts: 0, recalls: 0 },
    });
    const disk = new FolderDisk(volume.path);
    const bets = disk.open("bets.csv");
    const journal = new RoundJournal(disk.open("bets.csv.round"));
    let reads = 0;
    const found = await examine(volume.path, {
      ...OPTIONS,
      // Read when the rows are checked, so between the two snapshots of the first attempt.
      get agencies() {
        if (reads++ === 0) {
          bets.truncate(24);
          journal.recordCut(24, { cuts: 1, recalls: 0 });
        }
        return OPTIONS.agencies;
      },
    });
    assertEquals([exitCodeOf(found), found.tail.state, reads > 1], [0, "whole", true]);
    bets.close();
    journal.close();
  },
});
