import { assertEquals, assertRejects } from "@std/assert";
import { TaskError } from "../flags.ts";
import { readRunRecord, RunLock } from "./run_lock.ts";
import { tempFolder, writesFiles } from "../testing.ts";

Deno.test({
  ...writesFiles("RunLock is held by one at a time and says by whom"),
  async fn() {
    await using folder = await tempFolder();
    {
      using lock = await RunLock.acquire(folder.path);
      lock.record([1, 2]);
      assertEquals(await RunLock.isHeld(folder.path), true);
      assertEquals(await readRunRecord(folder.path), { pid: Deno.pid, children: [1, 2] });
      await assertRejects(() => RunLock.acquire(folder.path), TaskError, `process ${Deno.pid}`);
    }
    await RunLock.waitUntilFree(folder.path);
    assertEquals(await RunLock.isHeld(folder.path), false);
    assertEquals(await readRunRecord(folder.path), { pid: 0, children: [] });
  },
});

Deno.test({
  ...writesFiles("RunLock keeps what a killed holder has written down until there is a new one"),
  async fn() {
    await using folder = await tempFolder();
    await Deno.mkdir(`${folder.path}/.cache`);
    const record = { pid: 7, children: [8] };
    await Deno.writeTextFile(`${folder.path}/.cache/up.lock`, JSON.stringify(record));
    {
      using _lock = await RunLock.acquire(folder.path);
    }
    assertEquals(await readRunRecord(folder.path), record);
  },
});
