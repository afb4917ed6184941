import { assertEquals, assertThrows } from "@std/assert";
import { SettingsError } from "../shared/config.ts";
import { needs } from "../testing/needs.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { ResultFile } from "./result_file.ts";

const NO_REPORT = { update: () => {}, end: () => {} };

Deno.test({
  ...needs(["write"], "ResultFile.finish() writes what is known, and null for what is not"),
  async fn() {
    await using folder = tempFolder();
    const path = `${folder.path}/result.json`;
    await Deno.writeTextFile(path, "the result of an earlier run");
    const result = new ResultFile(path, 7);
    assertEquals(await Array.fromAsync(Deno.readDir(folder.path)), []);

    const report = result.following(NO_REPORT, 300);
    report.update(100);
    report.update(200);
    result.reason = "refused";
    assertEquals(result.finish(4), 4);
    const known = { agency: 7, sent: null, stored: 200, winners: null };
    assertEquals(JSON.parse(await Deno.readTextFile(path)), {
      ...known,
      exitCode: 4,
      reason: "refused",
    });

    report.update(300);
    report.end();
    result.reason = "stopped";
    const winners = [" 1 ", "\u00a02", "a|b", '"3"', "\ufeff4", "5\u2028"];
    result.winners = winners;
    assertEquals(result.finish(130), 130);
    const all = { agency: 7, sent: 300, stored: 300, winners, exitCode: 130, reason: "stopped" };
    assertEquals(JSON.parse(await Deno.readTextFile(path)), all);
    assertEquals((await Array.fromAsync(Deno.readDir(folder.path))).length, 1);
  },
});

Deno.test({
  ...needs(["write"], "ResultFile() rejects a path that cannot be written, and removes no folder"),
  async fn() {
    await using folder = tempFolder();
    await Deno.mkdir(`${folder.path}/empty`);
    for (const name of ["empty", "missing/result.json"]) {
      const path = `${folder.path}/${name}`;
      assertThrows(() => new ResultFile(path, 1), SettingsError, "cannot be written");
    }
    const left = await Array.fromAsync(Deno.readDir(folder.path), ({ name }) => name);
    assertEquals(left, ["empty"]);
  },
});

Deno.test("ResultFile.finish() writes nothing without a path", () => {
  assertEquals(new ResultFile(undefined, 1).finish(5), 5);
});

Deno.test({
  ...needs(["write"], "ResultFile.finish() returns 1 instead of 0 if the file cannot be written"),
  async fn() {
    await using folder = tempFolder();
    await Deno.mkdir(`${folder.path}/results`);
    const result = new ResultFile(`${folder.path}/results/1.json`, 1);
    await Deno.remove(`${folder.path}/results`);
    assertEquals([result.finish(0), result.finish(4)], [1, 4]);
  },
});
