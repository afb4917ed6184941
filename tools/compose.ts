/**
 * `deno task compose`: writes docker-compose.yaml out of .env.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { composeFile, type ComposeOptions } from "./run/compose_file.ts";
import { ensureEnvFile, readLotterySettings } from "./run/env_file.ts";
import { runTask, TASK } from "./flags.ts";
import { PROJECT_ROOT, unlessNotFound } from "./project.ts";

const USAGE = `Writes docker-compose.yaml for as many clients and servers as .env says.

Usage: ${TASK} compose [--help]`;

/** Writes docker-compose.yaml unless it says the same already. Answers whether it had to. */
export async function updateComposeFile(root: string, options: ComposeOptions): Promise<boolean> {
  const path = `${root}/docker-compose.yaml`;
  const text = composeFile(options);
  if (await unlessNotFound(Deno.readTextFile(path)) === text) return false;
  await Deno.writeTextFile(path, text);
  return true;
}

async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { help: { type: "boolean", default: false } } });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  if (await ensureEnvFile(PROJECT_ROOT)) console.log(".env: made out of .env.example");
  const text = await Deno.readTextFile(`${PROJECT_ROOT}/.env`);
  const { clients, servers } = readLotterySettings({ text });
  const isNew = await updateComposeFile(PROJECT_ROOT, { clients, servers });
  const what = isNew ? "written" : "up to date";
  console.log(`docker-compose.yaml: ${what}, for ${servers} servers and ${clients} clients`);
  return 0;
}

if (import.meta.main) Deno.exit(await runTask(run));
