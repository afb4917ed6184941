/**
 * `deno task dataset`: makes sample bets for every agency.
 *
 * @module
 */

import { AGENCIES_MAX } from "../shared/bet.ts";
import { integerFlag, runCommand } from "./command.ts";
import { PROJECT_ROOT, TASK, TaskError, unlessNotFound } from "./project.ts";
import {
  datasetFolder,
  presentBetsFiles,
  SAMPLE_BETS,
  SAMPLE_SEED,
  writeSample,
} from "./run/bets_folder.ts";
import { type LotterySettings, readLotterySettings } from "./run/lottery_settings.ts";

const USAGE = `Makes sample bets: a file agency-N.csv for each agency.

Usage: ${TASK} dataset [--out FOLDER] [--agencies N] [--bets N] [--seed N] [--force]

  --out FOLDER   the folder of the files (default: DATASET in .env, or .data)
  --agencies N   number of agencies (default: CLIENTS in .env, or 5)
  --bets N       number of bets over all agencies (default: ${SAMPLE_BETS})
  --seed N       the same seed makes the same bets (default: ${SAMPLE_SEED})
  --force        replace existing files
  --help         show this text

Exit code: 0 if the files were made, 1 if they cannot be made or exist already, 2 for an invalid argument.`;

/** Maximum number of sample bets: about two gigabytes. */
const BETS_MAX = 50_000_000;

const OPTIONS = {
  out: { type: "string" },
  agencies: { type: "string" },
  bets: { type: "string" },
  seed: { type: "string" },
  force: { type: "boolean", default: false },
} as const;

type Flags = { [name in "out" | "agencies" | "bets" | "seed"]?: string } & { force: boolean };

async function run({ out, force, ...flags }: Flags): Promise<number> {
  const settings = out && flags.agencies ? undefined : await lotterySettings();
  const folder = out ?? datasetFolder(settings!.dataset);
  const agencies = integerFlag("agencies", flags.agencies, {
    min: 1,
    max: AGENCIES_MAX,
    default: settings?.clients,
  });
  const bets = integerFlag("bets", flags.bets, {
    min: agencies,
    max: BETS_MAX,
    default: Math.max(agencies, SAMPLE_BETS),
  });
  const seed = integerFlag("seed", flags.seed, { min: 0, max: 2 ** 32 - 1, default: SAMPLE_SEED });
  const present = await presentBetsFiles(folder, agencies);
  if (present.length > 0 && !force) {
    throw new TaskError(
      `Cannot make sample bets in ${folder}: ${present.length} of the files exist already, such as ` +
        `${present[0]}. Give --force to replace them, or --out for another folder`,
    );
  }
  const sizes = await writeSample(folder, { agencies, bets, seed });
  for (const [index, size] of sizes.entries()) console.log(`agency-${index + 1}.csv: ${size} bets`);
  console.log(`${bets} bets in ${folder}`);
  return 0;
}

/** Reads the settings in .env, or their defaults if it is missing. */
async function lotterySettings(): Promise<LotterySettings> {
  const env = `${PROJECT_ROOT}/.env`;
  const path = await unlessNotFound(Deno.stat(env)) === undefined ? `${env}.example` : env;
  return readLotterySettings({ readFile: () => Deno.readTextFileSync(path) });
}

if (import.meta.main) Deno.exit(await runCommand({ usage: USAGE, options: OPTIONS, run }));
