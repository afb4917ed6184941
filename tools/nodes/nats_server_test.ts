import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { TaskError } from "../project.ts";
import { needs } from "../../testing/needs.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import { compareVersions, findNatsServer } from "./nats_server.ts";

/** Makes a program that prints the version of a nats-server. */
async function program(path: string, output: string): Promise<string> {
  await Deno.writeTextFile(path, `#!/bin/sh\necho '${output}'\n`, { mode: 0o755 });
  return path;
}

Deno.test("compareVersions() compares numbers, not digits", () => {
  const versions = ["2.9.10", "2.10.23", "2.10.27", "2.14.0", "10.0.0"];
  assertEquals(versions.toSorted(compareVersions), versions);
  assertEquals(compareVersions("2.12.0-RC.1", "2.12.0"), 0);
});

Deno.test({
  ...needs(
    ["posix", "write", "run", "env"],
    "findNatsServer() takes that of NATS_SERVER, and no version that servers refuse",
  ),
  fn: async () => {
    await using folder = tempFolder();
    const find = (named: string | undefined, cached: string[] = []) =>
      findNatsServer({ environment: () => named, cached });
    const good = await program(`${folder.path}/good`, "nats-server: v2.14.5");
    const old = await program(`${folder.path}/old`, "nats-server: v2.9.10");
    const other = await program(`${folder.path}/other`, "hello");
    assertEquals(find(good), { path: good, version: "2.14.5" });
    for (
      const [named, reason] of [
        [old, `${old} is version 2.9.10, which is older than 2.10.23`],
        [other, `NATS_SERVER is ${other}, which does not run`],
        [`${folder.path}/none`, "which does not run"],
      ]
    ) {
      const error = assertThrows(() => find(named, [good]), TaskError);
      assertStringIncludes(error.message, reason);
      assertStringIncludes(error.message, "NATS_SERVER=/path/to/nats-server");
    }
  },
});
