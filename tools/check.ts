/**
 * `deno task check`: reports whether the ledger on a volume is sound, and truncates a torn tail.
 *
 * @module
 */

import { readServerSettings } from "../server/settings.ts";
import { AGENCIES_MAX, dayNumber } from "../shared/bet.ts";
import { SettingsError } from "../shared/config.ts";
import { examine } from "./check/examination.ts";
import { repairTail } from "./check/repair.ts";
import {
  afterRepair,
  exitCodeOf,
  refusalLine,
  repairLines,
  reportOf,
  verdictOf,
} from "./check/report.ts";
import { integerFlag, runCommand, UsageError } from "./command.ts";
import { TASK, TaskError } from "./project.ts";

const WAIT_SECONDS = 10;
const WAIT_SECONDS_MAX = 3600;

const USAGE =
  `Checks bets.csv and agencies_closed.txt on a shared volume, row by row. Servers may be running.

Usage: ${TASK} check [--volume DIR] [--agencies N] [--repair] [--wait SECONDS]

  --volume    the folder of the two files (default: the server's SHARED_VOLUME)
  --agencies  number of agencies, 1 to ${AGENCIES_MAX} (default: the server's AGENCIES_AMOUNT)
  --repair    truncate a torn tail of bets.csv, as a server would, after copying it to bets.csv.cut-TIME
              next to it. Nothing else changes, and nothing at all if the file is damaged
  --wait      how many seconds to wait for the lock of bets.csv (default: ${WAIT_SECONDS})
  --help      print this text

Without --repair nothing is written. The server's settings come from the environment and server/config.ini.
Each fault is reported with its line and the byte at which that line begins.

Exit code:
  0  sound
  1  cannot be checked: a file cannot be read, the lock cannot be taken, the disk is full
  2  an argument or setting is invalid, or the folder does not exist
  3  only a torn tail (or, if bets.csv is whole, a torn last line of agencies_closed.txt): a writer was
     killed. Nothing in the torn part was acknowledged, and the servers recover by themselves
  4  damage in the middle of bets.csv, which only a person can repair
  5  damage in agencies_closed.txt: a line that is not an agency of this lottery, or is there twice
If several apply, 4 takes precedence over 5, and both over 3. With --repair the code is for what remains.`;

/** What the command line asks for. */
interface Request {
  volume: string;
  agencies: number;
  repair: boolean;
  waitMs: number;
}

type Flags = { volume?: string; agencies?: string; wait?: string; repair: boolean };

function readRequest({ volume, agencies: agenciesText, wait, repair }: Flags): Request {
  if (volume === "") throw new UsageError("--volume is empty: give a folder");
  const waitRule = { min: 1, max: WAIT_SECONDS_MAX, default: WAIT_SECONDS };
  const waitMs = 1000 * integerFlag("wait", wait, waitRule);
  const agencies = agenciesText === undefined
    ? undefined
    : integerFlag("agencies", agenciesText, { min: 1, max: AGENCIES_MAX });
  // With both flags given, the volume may be one without settings on this machine.
  const settings = volume && agencies ? undefined : readSettings();
  return {
    volume: volume ?? settings!.sharedVolume,
    agencies: agencies ?? settings!.agencies,
    repair,
    waitMs,
  };
}

function readSettings(): { sharedVolume: string; agencies: number } {
  try {
    return readServerSettings();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    throw new UsageError(
      "Cannot check: correct these settings of the server, or give both --volume and --agencies:" +
        error.faults.map((fault) => `\n  - ${fault}`).join(""),
    );
  }
}

/** Checks, and repairs if that is requested. Returns the exit code for what remains. */
async function check({ volume, agencies, repair, waitMs }: Request): Promise<number> {
  const beginMs = performance.now();
  const today = dayNumber(Date.now());
  let found = await examine(volume, { agencies, today, waitMs });
  const seconds = ((performance.now() - beginMs) / 1000).toFixed(1);
  print([`volume: ${volume}, read in ${seconds} s`, ...reportOf(found, agencies)]);
  if (repair && found.bets.faults.count > 0) print([refusalLine(found)]);
  else if (repair && found.snapshot.betsSize !== undefined) {
    const repaired = await repairTail(volume, { waitMs });
    print(repairLines(repaired));
    found = afterRepair(found, repaired);
  }
  print(verdictOf(found));
  return exitCodeOf(found);
}

function print(lines: string[]): void {
  for (const line of lines) console.log(line);
}

/** Adds to an error what could not be done, and what to do about it. */
function explain(error: unknown, { volume, repair }: Request): Error {
  const { message } = error as Error;
  const text = `Cannot ${repair ? "check and repair" : "check"} ${volume}: ${message}`;
  const isMissing = error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.NotADirectory;
  if (isMissing) return new UsageError(`${text}. Give the folder with --volume or SHARED_VOLUME`);
  return new TaskError(text + adviceOn(error), { cause: error });
}

/** Returns advice on an error of the operating system, whose message has none. */
function adviceOn(error: unknown): string {
  const { message } = error as Error;
  if (error instanceof Deno.errors.PermissionDenied) {
    return ". Run it as the user who owns the volume";
  }
  if (/^Read-only file system/.test(message)) return ". To repair it, mount it for writing";
  if (/^(No locks available|Operation not supported|Function not implemented)/.test(message)) {
    return `. This file system has no locks. For advice, run: ${TASK} doctor`;
  }
  return "";
}

async function run(flags: Flags): Promise<number> {
  const request = readRequest(flags);
  try {
    return await check(request);
  } catch (error) {
    throw explain(error, request);
  }
}

if (import.meta.main) {
  const options = {
    volume: { type: "string" },
    agencies: { type: "string" },
    repair: { type: "boolean", default: false },
    wait: { type: "string" },
  } as const;
  Deno.exit(await runCommand({ usage: USAGE, options, run }));
}
