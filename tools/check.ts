/**
 * `deno task check`: reports whether the ledger on a shared volume is sound, and can cut off a torn
 * tail.
 *
 * @module
 */

import { inspectTail } from "../server/ledger/file/recovery.ts";
import { readServerSettings } from "../server/settings.ts";
import { AGENCIES_MAX, dayNumber } from "../shared/bet.ts";
import { SettingsError } from "../shared/config.ts";
import { escapeMessage } from "../shared/readable.ts";
import { compareBets } from "./check/comparison.ts";
import { type Compared, comparisonExitCode, comparisonLines } from "./check/comparison_report.ts";
import { examine, readAtOneMoment } from "./check/examination.ts";
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
import { TASK, TaskError, unlessNotFound } from "./project.ts";

const WAIT_SECONDS = 10;
const WAIT_SECONDS_MAX = 3600;

const USAGE =
  `Checks bets.csv and agencies_closed.txt on a shared volume, row by row. Servers may be running.

Usage: ${TASK} check [--volume DIR] [--agencies N] [--repair] [--wait SECONDS]
       ${TASK} check --data FILE --agency N [--volume DIR] [--wait SECONDS]

  --volume    the folder of the two files (default: the server's SHARED_VOLUME)
  --agencies  agencies of the lottery, 1 to ${AGENCIES_MAX} (default: the server's AGENCIES_AMOUNT)
  --repair    cut off a torn tail of bets.csv, as a server would, after copying it to bets.csv.cut-TIME
              beside it; changes nothing else, and nothing at all if there is damage
  --data      compare what is stored of one agency with FILE, its CSV file, instead, and name the first bet
              that is not the same
  --agency    that agency
  --wait      seconds to wait for the lock of bets.csv (default: ${WAIT_SECONDS})
  --help      show this text

Without --repair nothing is written. The server's settings come from server/config.ini and the environment.
Each fault is reported with its line and the position of that line's first byte.

Exit code:
  0  sound
  1  the check failed: an unreadable file, a lock that was not obtained, a full disk, an invalid bet in FILE
  2  a wrong argument or setting, or no such folder or file
  3  nothing worse than a torn tail of bets.csv, or a torn last line of agencies_closed.txt: a writer was
     killed, the torn bytes were not acknowledged, and servers recover from it by themselves
  4  damage in the middle of bets.csv, which only a person can repair
  5  damage in agencies_closed.txt: a line that is not an agency of this lottery, or a repeated one
  6  with --data: the agency's stored bets are not the first ones of FILE (0: they are, and if fewer, the others
     are not stored yet)
Of several, 4 takes precedence over 5, and both over 3. With --repair, the code is that of what is left.`;

/** The command line. */
interface Request {
  volume: string;
  agencies: number;
  repair: boolean;
  /** The agency and its file to compare with. */
  compared?: Compared;
  waitMs: number;
}

type Flags = {
  volume?: string;
  agencies?: string;
  agency?: string;
  data?: string;
  wait?: string;
  repair: boolean;
};

function readRequest({ volume, wait, repair, ...flags }: Flags): Request {
  if (volume === "") throw new UsageError("--volume is empty: give a folder");
  const waitRule = { min: 1, max: WAIT_SECONDS_MAX, default: WAIT_SECONDS };
  const waitMs = 1000 * integerFlag("wait", wait, waitRule);
  const compared = readCompared(flags);
  if (compared !== undefined) {
    if (repair) throw new UsageError("--repair and --data exclude each other: give one");
    // Only its default needs the server's settings.
    volume ??= readSettings().sharedVolume;
    return { volume, agencies: AGENCIES_MAX, repair, compared, waitMs };
  }
  const agencies = flags.agencies === undefined
    ? undefined
    : integerFlag("agencies", flags.agencies, { min: 1, max: AGENCIES_MAX });
  // With both, no settings are needed: the volume may be another machine's.
  if (volume !== undefined && agencies !== undefined) return { volume, agencies, repair, waitMs };
  const settings = readSettings();
  return {
    volume: volume ?? settings.sharedVolume,
    agencies: agencies ?? settings.agencies,
    repair,
    waitMs,
  };
}

function readCompared({ agency, data }: Flags | Omit<Flags, "repair">): Compared | undefined {
  if (data === undefined && agency === undefined) return undefined;
  if (!data) throw new UsageError("--agency needs --data: give the agency's file");
  if (agency === undefined) throw new UsageError("--data needs --agency: give the agency's number");
  return { data, agency: integerFlag("agency", agency, { min: 1, max: AGENCIES_MAX }) };
}

function readSettings(): { sharedVolume: string; agencies: number } {
  try {
    return readServerSettings();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    throw new UsageError(
      "Cannot check: fix these settings of the server, or give both --volume and --agencies:" +
        error.faults.map((fault) => `\n  - ${fault}`).join(""),
    );
  }
}

/** Checks a volume, and repairs it if requested. Returns the exit code of what is left. */
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

/** Compares what is stored of an agency with its file. Returns the exit code. */
async function compare({ volume, waitMs }: Request, compared: Compared): Promise<number> {
  const comparison = await readAtOneMoment(volume, {
    waitMs,
    read: ({ readBets: read }, { betsSize = 0, round }) => {
      const { wholeSize } = inspectTail(betsSize, round, { read });
      return compareBets({ ...compared, read, wholeSize });
    },
  });
  print([`volume: ${volume}`, ...comparisonLines(comparison, compared)]);
  return comparisonExitCode(comparison);
}

function print(lines: string[]): void {
  for (const line of lines) console.log(escapeMessage(line));
}

/** Makes sure that there is a file to compare with. */
async function assertFile(path: string): Promise<void> {
  const info = await unlessNotFound(Deno.stat(path));
  if (info === undefined) throw new UsageError(`Cannot compare: there is no file ${path}`);
  if (!info.isFile) throw new UsageError(`Cannot compare: ${path} is not a regular file`);
}

/** Returns an error that states what failed, why, and what to do. */
function explain(error: unknown, { volume, repair }: Request): Error {
  const task = `Cannot ${repair ? "check and repair" : "check"} ${volume}`;
  const advice = "Give the folder with --volume or SHARED_VOLUME";
  if (error instanceof Deno.errors.NotFound) {
    return new UsageError(`${task}: there is no such folder. ${advice}`);
  }
  if (error instanceof Deno.errors.NotADirectory) {
    return new UsageError(`${task}: it is not a folder. ${advice}`);
  }
  return new TaskError(`${task}: ${(error as Error).message}${adviceOn(error)}`, { cause: error });
}

/** Returns advice about an error of the operating system. */
function adviceOn(error: unknown): string {
  const { message } = error as Error;
  if (error instanceof Deno.errors.PermissionDenied) {
    return ". Run it as the user who owns the volume";
  }
  if (/^Read-only file system/.test(message)) return ". Mount it for writing";
  if (/^(No locks available|Operation not supported|Function not implemented)/.test(message)) {
    return `. This file system has no locks: see ${TASK} doctor`;
  }
  return "";
}

async function run(flags: Flags): Promise<number> {
  const request = readRequest(flags);
  const { compared } = request;
  if (compared !== undefined) await assertFile(compared.data);
  try {
    return compared === undefined ? await check(request) : await compare(request, compared);
  } catch (error) {
    throw explain(error, request);
  }
}

if (import.meta.main) {
  const options = {
    volume: { type: "string" },
    agencies: { type: "string" },
    agency: { type: "string" },
    data: { type: "string" },
    repair: { type: "boolean", default: false },
    wait: { type: "string" },
  } as const;
  Deno.exit(await runCommand({ usage: USAGE, options, run }));
}
