/**
 * `deno task dataset`: makes sample bets for every agency.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { AGENCIES_MAX } from "../shared/bet.ts";
import {
  datasetFolder,
  presentBetsFiles,
  SAMPLE_BETS,
  SAMPLE_SEED,
  writeSample,
} from "./run/bets_folder.ts";
import { readLotterySettings } from "./run/env_file.ts";
import { integerFlag, runTask, TASK } from "./flags.ts";
import { PROJECT_ROOT, unlessNotFound } from "./project.ts";

const USAGE = `Makes sample bets, a file agency-N.csv for each agency.

Usage: ${TASK} dataset [--out FOLDER] [--agencies N] [--bets N] [--seed N] [--force]

  --out FOLDER   where the files go (DATASET of .env, or .data)
  --agencies N   how many agencies (CLIENTS of .env, or 5)
  --bets N       bets of all agencies together (${SAMPLE_BETS})
  --seed N       the same seed makes the same bets (${SAMPLE_SEED})
  --force        replace files that are there
  --help         this text

Exit code: 0 when the files were made, 1 when they could not be or would have replaced others, 2 for a wrong argument.`;

/** Most sample bets: about two gigabytes. */
const BETS_MAX = 50_000_000;

/** CLIENTS and DATASET as .env has them, or their defaults where it is missing. */
async function defaults(): Promise<{ agencies: number; folder: string }> {
  const text = await unlessNotFound(Deno.readTextFile(`${PROJECT_ROOT}/.env`)) ??
    await Deno.readTextFile(`${PROJECT_ROOT}/.env.example`);
  const { clients, dataset } = readLotterySettings({ text });
  return { agencies: clients, folder: dataset };
}

/** Runs the task with its arguments. Returns its exit code. */
async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      out: { type: "string" },
      agencies: { type: "string" },
      bets: { type: "string" },
      seed: { type: "string" },
      force: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const set = values.out === undefined || values.agencies === undefined
    ? await defaults()
    : undefined;
  const folder = values.out ?? datasetFolder(PROJECT_ROOT, set!.folder);
  const agencies = integerFlag("agencies", values.agencies, {
    min: 1,
    max: AGENCIES_MAX,
    default: set?.agencies,
  });
  const bets = integerFlag("bets", values.bets, {
    min: agencies,
    max: BETS_MAX,
    default: Math.max(agencies, SAMPLE_BETS),
  });
  const seed = integerFlag("seed", values.seed, { min: 0, max: 2 ** 32 - 1, default: SAMPLE_SEED });
  const present = await presentBetsFiles(folder, agencies);
  if (present.length > 0 && !values.force) {
    console.error(
      `Cannot make sample bets in ${folder}: it holds ${present.length} of the files already, such as ` +
        `${present[0]}. Give --force to replace them, or --out for another folder`,
    );
    return 1;
  }
  const sizes = await writeSample(folder, { agencies, bets, seed });
  for (const [index, size] of sizes.entries()) console.log(`agency-${index + 1}.csv: ${size} bets`);
  console.log(`${bets} bets in ${folder}`);
  return 0;
}

if (import.meta.main) Deno.exit(await runTask(run));
