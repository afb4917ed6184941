/**
 * Tasks, run as a user does.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { Program } from "../testing/program.ts";

/** Runs a task, which must end with an exit code. Returns its output. */
export async function runTask(task: string, args: string[], expected = 0): Promise<string> {
  await using program = new Program({
    name: task,
    args: ["run", "-A", `tools/${task}.ts`, ...args],
  });
  assertEquals(await program.ended(), expected, program.output());
  return program.output();
}
