/**
 * `deno task ok`: runs all that must hold before a commit.
 *
 * @module
 */

import { runCommand } from "./command.ts";
import { PROJECT_ROOT, TASK } from "./project.ts";

const USAGE = `Checks formatting, lint and types, and runs all tests. Stops at the first failure.

Usage: ${TASK} ok [--help]

Exit code: 0 if everything holds, else that of the step that failed.`;

/** The steps, as arguments of Deno. */
const STEPS = [["fmt", "--check"], ["lint"], ["check"], ["task", "test"]];

async function run(): Promise<number> {
  for (const args of STEPS) {
    const step = new Deno.Command(Deno.execPath(), { args, cwd: PROJECT_ROOT }).spawn();
    const { code } = await step.status;
    if (code !== 0) return code;
  }
  return 0;
}

if (import.meta.main) Deno.exit(await runCommand({ usage: USAGE, options: {}, run }));
