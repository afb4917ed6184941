/**
 * The bets of a run: the agencies' files, checked before anything starts. Makes sample bets only if the operator has
 * neither named a folder nor put anything into it.
 *
 * @module
 */

import { nearest } from "../../shared/config.ts";
import { PROJECT_ROOT, TASK, TaskError } from "../project.ts";
import { assertValidBets } from "./bet_faults.ts";
import { betsFiles, datasetFolder, writeSample } from "./bets_folder.ts";
import {
  archivedBets,
  type DatasetSurvey,
  findBetsElsewhere,
  listNames,
  surveyNames,
  unsentReason,
} from "./dataset_survey.ts";
import { DATASET_DEFAULT, type LotterySettings } from "./lottery_settings.ts";
import { recordedSamples } from "./sample_record.ts";

/** Maximum number of unsent files in a message. */
const UNSENT_MAX = 20;

/** The folder of the bets, and where the operator named it. */
interface Dataset {
  folder: string;
  /** The value of DATASET. */
  text: string;
  /** Where DATASET is set: `.env` or `the environment`. */
  place: string;
}

/**
 * Checks that every agency has a file, every file an agency, and every row a valid bet. Makes
 * sample bets if DATASET is the default and its folder is missing or empty: invented bets must not
 * replace bets that are somewhere else.
 *
 * @param say Prints what was done.
 * @returns The agencies whose bets are samples.
 * @throws {TaskError} Saying what was found and what to do.
 */
export async function provideBets(
  { clients, dataset: text }: Pick<LotterySettings, "clients" | "dataset">,
  root: string = PROJECT_ROOT,
  say: (line: string) => void = console.log,
): Promise<number[]> {
  const place = Deno.env.get("DATASET")?.trim() ? "the environment" : ".env";
  const dataset = { folder: datasetFolder(text, root), text, place };
  const names = await namesIn(dataset);
  const survey = surveyNames(names ?? [], clients);
  if (text === DATASET_DEFAULT && isEmpty(survey)) say(await makeSample(dataset, clients));
  else if (names === undefined) throw await missingFolder(dataset);
  else await assertAllSent(dataset, survey);
  await assertValidBets(betsFiles(dataset.folder, clients));
  const samples = await recordedSamples(dataset.folder);
  return samples.map((name) => Number(/\d+/.exec(name))).sort((a, b) => a - b);
}

function isEmpty({ present, unsent, others }: DatasetSurvey): boolean {
  return present.length + unsent.length + others.length === 0;
}

/** Makes sample bets, and returns what it has done. */
async function makeSample({ folder, text }: Dataset, agencies: number): Promise<string> {
  const sizes = await writeSample(folder, { agencies });
  const bets = sizes.reduce((sum, size) => sum + size, 0);
  return `${text}: no bets found, so ${bets} sample bets were made`;
}

/**
 * Returns the names in the folder, those of folders with a slash at their end; undefined if it is
 * missing.
 *
 * @throws {TaskError} If DATASET names something else.
 */
async function namesIn(dataset: Dataset): Promise<string[] | undefined> {
  const { folder } = dataset;
  try {
    if (!(await Deno.stat(folder)).isDirectory) throw await notFolder(dataset);
  } catch (error) {
    if (!isMissing(error)) throw error;
    const link = await Deno.readLink(folder).catch(() => undefined);
    if (link === undefined) return undefined;
    throw cannotFind(dataset, `${folder} is a link to ${link}, which does not exist`);
  }
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.map(({ name, isDirectory }) => isDirectory ? `${name}/` : name);
}

function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}

async function notFolder(dataset: Dataset): Promise<TaskError> {
  const { folder: file } = dataset;
  const parent = file.replace(/\/[^/]*\/*$/, "");
  const unpacking = await archivedBets({ archive: file, folder: parent });
  return cannotFind(
    dataset,
    unpacking === undefined
      ? `${file} is a file: name the folder of agency-N.csv`
      : `${file} is an archive. It ${unpacking} and name the folder ${parent}`,
  );
}

/** Says how much of the path exists, and what may have been meant instead. */
async function missingFolder(dataset: Dataset): Promise<TaskError> {
  const parts = dataset.folder.split("/").filter((part) => part !== "");
  let [existing, name] = ["", ""];
  let folders: string[] | undefined;
  while (folders === undefined && parts.length > 0) {
    name = parts.pop()!;
    existing = `/${parts.join("/")}`;
    folders = await foldersIn(existing);
  }
  const near = nearest(name, folders ?? []);
  const hint = near === undefined
    ? `${existing} has no folder ${name}`
    : `did you mean ${existing.replace(/\/$/, "")}/${near}?`;
  return cannotFind(dataset, `there is no folder ${dataset.folder} (${hint})`);
}

async function foldersIn(path: string): Promise<string[] | undefined> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(path));
    return entries.filter(({ isDirectory }) => isDirectory).map(({ name }) => name).sort();
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function cannotFind({ text, place }: Dataset, found: string): TaskError {
  return new TaskError(
    `Cannot find the bets: ${found}. Correct DATASET in ${place}, which is ${
      JSON.stringify(text)
    }, or make ` +
      `sample bets there: ${TASK} dataset`,
  );
}

/** Checks that each agency has its file, and that no other file looks like bets. */
async function assertAllSent(dataset: Dataset, survey: DatasetSurvey): Promise<void> {
  const { folder, place } = dataset;
  const { missing, present, unsent } = survey;
  if (missing.length === 0 && unsent.length === 0) return;
  const agencies = present.length + missing.length;
  const found: string[] = [];
  if (missing.length > 0) found.push(...await describeMissing(dataset, survey));
  for (const name of unsent.slice(0, UNSENT_MAX)) {
    found.push(unsentReason(name, { agencies, missing }));
  }
  if (unsent.length > UNSENT_MAX) {
    found.push(`no client sends ${unsent.length - UNSENT_MAX} more files`);
  }
  const remedy = missing.length === 0
    ? ""
    : present.length === 0
    ? `\nCorrect DATASET, or put the files there. To make sample bets there, run: ${TASK} dataset`
    : "\nAdd these files, lower CLIENTS and AGENCIES_AMOUNT, or name another folder in DATASET. To " +
      `replace all bets with sample bets, run: ${TASK} dataset --force`;
  throw new TaskError(
    `Cannot start ${agencies} clients with the bets in ${folder} (DATASET in ${place}):\n` +
      found.map((line) => `  - ${line}`).join("\n") + remedy,
  );
}

/** Says which files are missing, and what is there instead. */
async function describeMissing(
  { folder, text }: Dataset,
  survey: DatasetSurvey,
): Promise<string[]> {
  const { missing, others, present } = survey;
  if (isEmpty(survey)) return ["the folder is empty"];
  return [
    `missing: ${listNames(missing)}`,
    ...await findBetsElsewhere(folder, text),
    ...present.length === 0 && others.length > 0 ? [`the folder holds ${listNames(others)}`] : [],
  ];
}
