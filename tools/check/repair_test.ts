import { assert, assertEquals, assertRejects } from "@std/assert";
import { FolderDisk } from "../../server/ledger/disk.ts";
import { openLedger } from "../../server/testing/ledgers.ts";
import { needs } from "../../testing/needs.ts";
import { TaskError } from "../project.ts";
import { filesOf, plantVolume } from "./testing/planted_volume.ts";
import { repairVolume } from "./repair.ts";

const ROW = "1,A,B,3,2000-01-01,1234\n";
const KILLED = { bets: `${ROW}${ROW}1,A`, journal: { from: 24, to: 72, cuts: 4, recalls: 0 } };
const OPTIONS = { waitMs: 10_000 };

Deno.test({
  ...needs(["write"], "repairVolume() copies what it leaves out, and has nothing to do after that"),
  fn: async () => {
    await using volume = await plantVolume(KILLED);
    const repair = await repairVolume(volume.path, OPTIONS);
    assert(repair !== undefined);
    const { copy = "", ...rest } = repair;
    assertEquals(rest, { cutBytes: 27, size: 24 });
    const files = await filesOf(volume.path);
    assertEquals([files["bets.csv"], files[copy]], [ROW, `${ROW}1,A`]);
    assertEquals(await repairVolume(volume.path, OPTIONS), undefined);
    assertEquals(await filesOf(volume.path), files);
  },
});

Deno.test({
  ...needs(["write"], "repairVolume() changes nothing where durable bytes are missing"),
  fn: async () => {
    const mark = { bets: 90, closed: 0, closedSum: 0 };
    await using volume = await plantVolume({ ...KILLED, mark });
    const { "bets.csv": before } = await filesOf(volume.path);
    await assertRejects(() => repairVolume(volume.path, OPTIONS), Error, "were durable");
    assertEquals((await filesOf(volume.path))["bets.csv"], before);
  },
});

Deno.test({
  ...needs(["write"], "repairVolume() changes nothing when the copy cannot be written"),
  fn: async () => {
    await using volume = await plantVolume({ bets: `${ROW}1,A,B,3,2000-01-01,1234` });
    const { "bets.csv": before } = await filesOf(volume.path);
    const disk = new FolderDisk(volume.path);
    const create = disk.create.bind(disk);
    disk.create = (name) =>
      Object.assign(create(name)!, {
        write: () => {
          throw new Error("No space left on device");
        },
      });
    await assertRejects(
      () => repairVolume(volume.path, { ...OPTIONS, disk }),
      Error,
      "No space left on device. Nothing was changed",
    );
    assertEquals((await filesOf(volume.path))["bets.csv"], before);
  },
});

Deno.test({
  ...needs(["write"], "repairVolume() refuses while a server is running"),
  fn: async () => {
    await using volume = await plantVolume({ bets: ROW });
    await using _ledger = (await openLedger(new FolderDisk(volume.path))).ledger;
    await assertRejects(() => repairVolume(volume.path, OPTIONS), TaskError, "a server is running");
  },
});
