import { assertEquals, assertRejects } from "@std/assert";
import { needs, PROGRAMS } from "../../testing/needs.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import { TaskError } from "../project.ts";
import { readRunRecord, RunLock } from "./run_lock.ts";

Deno.test({
  ...needs(["write"], "RunLock.acquire() excludes other holders, and names the one it finds"),
  async fn() {
    await using folder = tempFolder();
    {
      using lock = await RunLock.acquire(folder.path);
      lock.record([1, 2]);
      assertEquals(await RunLock.isHeld(folder.path), true);
      assertEquals(await readRunRecord(folder.path), { pid: Deno.pid, children: [1, 2] });
      const servers = [{ name: "server1", hostname: "127.0.0.1", port: 20_001 }];
      lock.describe({ servers });
      lock.describe({ betsExpected: [3] });
      lock.record([1]);
      const record = { pid: Deno.pid, children: [1], servers, betsExpected: [3] };
      assertEquals(await readRunRecord(folder.path), record);
      await assertRejects(() => RunLock.acquire(folder.path), TaskError, `process ${Deno.pid}`);
    }
    await RunLock.waitUntilFree(folder.path);
    assertEquals(await RunLock.isHeld(folder.path), false);
    assertEquals(await readRunRecord(folder.path), { pid: 0, children: [] });
  },
});

Deno.test({
  ...needs(
    PROGRAMS,
    "RunLock.acquire() keeps the record of a killed holder while its clients run",
  ),
  async fn() {
    await using folder = tempFolder();
    const args = ["-c", "read line", "client/main.ts"];
    const client = new Deno.Command("sh", { args, stdin: "piped" }).spawn();
    const record = { pid: 0, children: [client.pid] };
    await Deno.mkdir(`${folder.path}/.cache`);
    await Deno.writeTextFile(`${folder.path}/.cache/up.lock`, JSON.stringify(record));
    await assertRejects(() => RunLock.acquire(folder.path), TaskError, `processes ${client.pid})`);
    assertEquals(await readRunRecord(folder.path), record);
    await client.stdin.close();
    await client.status;
    using _lock = await RunLock.acquire(folder.path);
    assertEquals(await readRunRecord(folder.path), { pid: Deno.pid, children: [] });
  },
});
