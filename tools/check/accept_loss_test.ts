import { assertEquals, assertRejects } from "@std/assert";
import { TaskError } from "../project.ts";
import { needs } from "../../testing/needs.ts";
import { acceptLoss } from "./accept_loss.ts";
import { filesOf, plantVolume } from "./testing/planted_volume.ts";
import { VolumeReader } from "./volume_reader.ts";

const ROW = "1,A,B,3,2000-01-01,1234\n";
const LOST = { bets: ROW, mark: { bets: 72, closed: 0, closedSum: 0 } };
const OPTIONS = { waitMs: 10_000, now: () => Date.UTC(2026, 10, 23, 10, 0, 0) };

async function snapshotOf(path: string) {
  using volume = new VolumeReader(path);
  return await volume.snapshot(OPTIONS.waitMs);
}

Deno.test({
  ...needs(["write"], "acceptLoss() changes nothing if the files are not as they were confirmed"),
  fn: async () => {
    await using volume = await plantVolume(LOST);
    const snapshot = await snapshotOf(volume.path);
    await Deno.writeTextFile(`${volume.path}/bets.csv`, ROW.repeat(2));
    const before = await filesOf(volume.path);
    const accepting = () => acceptLoss(volume.path, { ...OPTIONS, snapshot });
    await assertRejects(accepting, TaskError, "have changed. Nothing was changed");
    assertEquals(await filesOf(volume.path), before);
  },
});

Deno.test({
  ...needs(["write"], "acceptLoss() never moves the journal onto an earlier one"),
  fn: async () => {
    await using volume = await plantVolume(LOST);
    const moved = "bets.csv.round.lost-20261123T100000Z";
    await Deno.writeTextFile(`${volume.path}/${moved}`, "before");
    const snapshot = await snapshotOf(volume.path);
    assertEquals(await acceptLoss(volume.path, { ...OPTIONS, snapshot }), [`${moved}-2`]);
    assertEquals((await filesOf(volume.path))[moved], "before");
  },
});
