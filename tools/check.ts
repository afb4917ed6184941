/**
 * `deno task check`: says whether the ledger on a shared volume is sound, and cuts a torn tail off.
 *
 * @module
 */

import { parseArgs } from "node:util";
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
import { integerFlag, runTask, TASK, TaskError, UsageError } from "./flags.ts";

const WAIT_SECONDS = 10;
const WAIT_SECONDS_MAX = 3600;

const USAGE =
  `Checks bets.csv and agencies_closed.txt on a shared volume, row by row. Servers may run meanwhile.

Usage: ${TASK} check [--volume DIR] [--agencies N] [--repair] [--wait SECONDS]

  --volume    the folder of the two files; the server's SHARED_VOLUME where it is left out
  --agencies  agencies of the lottery, 1 to ${AGENCIES_MAX}; the server's AGENCIES_AMOUNT where it is left out
  --repair    cuts off a torn tail of bets.csv, as a server would, after it was copied to a file
              bets.csv.cut-TIME beside it; changes nothing else, and nothing at all where there is damage
  --wait      seconds to wait for the lock of bets.csv, ${WAIT_SECONDS} where it is left out
  --help      this text

Without --repair nothing is written. The server's settings are those of server/config.ini and the environment.
Faults are told with their line, and the byte at which that line begins.

Exit code:
  0  sound
  1  it could not be checked: a file that cannot be read, a lock that is not to be had, a full disk
  2  a wrong argument or setting, or no such folder
  3  nothing but a torn tail (or, with bets.csv whole, a torn last line of agencies_closed.txt): a writer was
     killed, nothing of what is torn was acknowledged, and servers mend it themselves
  4  damage in the middle of bets.csv, which only a person can mend
  5  damage in agencies_closed.txt: a line that is no agency of this lottery, or one that is there twice
Of several, 4 counts before 5, and both before 3. With --repair, the code is that of what is left.`;

/** What the command line asks for. */
interface Request {
  volume: string;
  agencies: number;
  repair: boolean;
  waitMs: number;
}

/** Reads the command line; nothing if it asks for help. */
function readRequest(args: string[]): Request | undefined {
  const { values } = parseArgs({
    args,
    options: {
      volume: { type: "string" },
      agencies: { type: "string" },
      repair: { type: "boolean", default: false },
      wait: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const { volume, agencies } = values;
  if (volume === "") throw new UsageError("--volume is empty: give a folder");
  const waitRule = { min: 1, max: WAIT_SECONDS_MAX, default: WAIT_SECONDS };
  const request = {
    repair: values.repair,
    waitMs: 1000 * integerFlag("wait", values.wait, waitRule),
  };
  const ofFlag = agencies === undefined
    ? undefined
    : integerFlag("agencies", agencies, { min: 1, max: AGENCIES_MAX });
  // Whoever gives both may check a volume of which there are no settings here.
  if (volume !== undefined && ofFlag !== undefined) {
    return { ...request, volume, agencies: ofFlag };
  }
  const settings = readSettings();
  return {
    ...request,
    volume: volume ?? settings.sharedVolume,
    agencies: ofFlag ?? settings.agencies,
  };
}

function readSettings(): { sharedVolume: string; agencies: number } {
  try {
    return readServerSettings();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    throw new UsageError(
      "Cannot check: mend these settings of the server, or give both --volume and --agencies:" +
        error.faults.map((fault) => `\n  - ${fault}`).join(""),
    );
  }
}

/** Checks, and repairs where that is asked for. Answers the exit code of what is left. */
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

/** The error as a task tells it: what could not be done, why, and what to do. */
function explain(error: unknown, { volume, repair }: Request): Error {
  const { message } = error as Error;
  const text = `Cannot ${repair ? "check and repair" : "check"} ${volume}: ${message}`;
  const isMissing = error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.NotADirectory;
  if (isMissing) return new UsageError(`${text}. Give the folder with --volume or SHARED_VOLUME`);
  return new TaskError(text + adviceOn(error), { cause: error });
}

/** What to do about an error that says no more than what the system says. */
function adviceOn(error: unknown): string {
  const { message } = error as Error;
  if (error instanceof Deno.errors.PermissionDenied) {
    return ". Do it as the user who owns the volume";
  }
  if (/^Read-only file system/.test(message)) return ". Mount it for writing, to repair it";
  if (/^(No locks available|Operation not supported|Function not implemented)/.test(message)) {
    return ". This file system has no locks: `deno task doctor` says what to do";
  }
  return "";
}

async function run(args: string[]): Promise<number> {
  const request = readRequest(args);
  if (request === undefined) {
    console.log(USAGE);
    return 0;
  }
  try {
    return await check(request);
  } catch (error) {
    throw explain(error, request);
  }
}

if (import.meta.main) Deno.exit(await runTask(run));
