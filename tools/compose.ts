/**
 * `deno task compose`: writes docker-compose.yaml for the settings in .env.
 *
 * @module
 */

import { runCommand } from "./command.ts";
import { TASK } from "./project.ts";
import { composeOptions, updateComposeFile } from "./run/compose_file.ts";
import { ensureEnvFile } from "./run/lottery_settings.ts";
import { readRunSettings } from "./run/run_settings.ts";

const USAGE =
  `Writes docker-compose.yaml for the numbers of servers and clients, the ledger and the published ports in .env,
and the broadcast in server/config.ini. Makes the folders that it mounts.

Usage: ${TASK} compose [--help]`;

async function run(): Promise<number> {
  if (await ensureEnvFile()) console.log(".env: copied from .env.example");
  const settings = readRunSettings();
  const what = await updateComposeFile(composeOptions(settings)) ? "updated" : "up to date";
  const { servers, clients } = settings.lottery;
  console.log(`docker-compose.yaml: ${what}, for ${servers} servers and ${clients} clients`);
  return 0;
}

if (import.meta.main) Deno.exit(await runCommand({ usage: USAGE, options: {}, run }));
