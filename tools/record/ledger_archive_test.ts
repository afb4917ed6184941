import { assertEquals, assertThrows } from "@std/assert";
import { needs } from "../../testing/needs.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import { TaskError } from "../project.ts";
import {
  archiveDraw,
  assertDiskWorks,
  finishArchiving,
  isDrawFinished,
  isVolumeEmpty,
} from "./ledger_archive.ts";

async function write(volume: string, files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${volume}/${name}`, text);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.map(({ name }) => name).sort();
}

const NOON = new Date("2026-11-23T12:00:00Z");

Deno.test({
  ...needs(["write"], "isDrawFinished() requires a whole line for every agency"),
  async fn() {
    await using folder = tempFolder();
    assertEquals(await isDrawFinished(folder.path, 3), false);
    await write(folder.path, { "agencies_closed.txt": "2\n12\n1\n3" });
    assertEquals(await isDrawFinished(folder.path, 2), true);
    assertEquals(await isDrawFinished(folder.path, 3), false);
  },
});

Deno.test({
  ...needs(
    ["write"],
    "isVolumeEmpty() returns true while there is neither a bet nor a closed agency",
  ),
  async fn() {
    await using folder = tempFolder();
    assertEquals(await isVolumeEmpty(folder.path), true);
    await write(folder.path, { "bets.csv": "", "agencies_closed.txt": "", "bets.csv.round": "r" });
    assertEquals(await isVolumeEmpty(folder.path), true);
    await write(folder.path, { "agencies_closed.txt": "1\n" });
    assertEquals(await isVolumeEmpty(folder.path), false);
  },
});

Deno.test({
  ...needs(["write"], "assertDiskWorks() throws while a server's note of a failed disk is there"),
  async fn() {
    await using folder = tempFolder();
    assertDiskWorks(folder.path);
    await write(folder.path, { "disk-failure.json": '{"error":"EIO"}\n' });
    assertThrows(() => assertDiskWorks(folder.path), TaskError, "--clear-disk-failure");
  },
});

Deno.test({
  ...needs(["write"], "archiveDraw() moves the files of a draw, each time into a new folder"),
  async fn() {
    await using folder = tempFolder();
    assertEquals(await isVolumeEmpty(folder.path), true);
    await write(folder.path, {
      "bets.csv": "a",
      "agencies_closed.txt": "1\n",
      "bets.csv.round": "r",
    });
    await write(folder.path, { "lottery.json": "{}", "draw.json": "{}" });
    assertEquals(await isVolumeEmpty(folder.path), false);
    assertEquals(await archiveDraw(folder.path, NOON), "archive/2026-11-23T12-00-00");
    assertEquals(await namesIn(folder.path), ["archive"]);
    assertEquals(await namesIn(`${folder.path}/archive/2026-11-23T12-00-00`), [
      "agencies_closed.txt",
      "bets.csv",
      "bets.csv.round",
      "draw.json",
      "lottery.json",
    ]);
    await write(folder.path, { "bets.csv": "b" });
    assertEquals(await archiveDraw(folder.path, NOON), "archive/2026-11-23T12-00-00-2");
    assertEquals(await finishArchiving(folder.path), undefined);
  },
});

Deno.test({
  ...needs(["write"], "finishArchiving() continues after an interruption, and overwrites nothing"),
  async fn() {
    await using folder = tempFolder();
    const unfinished = `${folder.path}/archive/then.unfinished`;
    await Deno.mkdir(unfinished, { recursive: true });
    await write(unfinished, { "bets.csv.round": "r", "bets.csv": "old" });
    await write(folder.path, { "bets.csv": "new", "agencies_closed.txt": "1\n" });
    assertEquals(await finishArchiving(folder.path), "archive/then");
    assertEquals(await namesIn(folder.path), ["archive", "bets.csv"]);
    assertEquals(await Deno.readTextFile(`${folder.path}/bets.csv`), "new");
    assertEquals(await Deno.readTextFile(`${folder.path}/archive/then/bets.csv`), "old");
    assertEquals(await Deno.readTextFile(`${folder.path}/archive/then/agencies_closed.txt`), "1\n");
  },
});
