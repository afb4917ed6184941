/**
 * `deno task check`: reports whether the ledger on a shared volume is sound, and can truncate a torn
 * end.
 *
 * @module
 */

import { inspectTail } from "../server/ledger/file/recovery.ts";
import { DISK_FAILURE_FILE } from "../server/ledger/file/volume_files.ts";
import { readServerSettings } from "../server/settings.ts";
import { AGENCIES_MAX } from "../shared/bet.ts";
import { SettingsError } from "../shared/config.ts";
import { escapeMessage } from "../shared/readable.ts";
import { acceptLoss } from "./check/accept_loss.ts";
import { compareBets, rowsOfVolume } from "./check/comparison.ts";
import {
  type Compared,
  comparisonExitCode,
  comparisonLines,
  comparisonReport,
} from "./check/comparison_report.ts";
import { type Examination, examine, readAtOneMoment } from "./check/examination.ts";
import { volumeReport } from "./check/json_report.ts";
import { repairVolume } from "./check/repair.ts";
import {
  afterRepair,
  exitCodeOf,
  refusalLine,
  repairLines,
  reportOf,
  verdictOf,
} from "./check/report.ts";
import { moveAside } from "./check/volume_reader.ts";
import { integerFlag, runCommand, UsageError } from "./command.ts";
import { JSON_FLAG, printJson } from "./json_reports.ts";
import { LEDGER_FLAG, LEDGER_FORMS } from "./run/ledger_choice.ts";
import { checkStreams, compareStreams } from "./streams/check_streams.ts";
import {
  isOnStreams,
  readToolLedger,
  type StreamToolLedger,
  withStreams,
} from "./streams/tool_ledger.ts";
import { TASK, TaskError, unlessNotFound } from "./project.ts";

const WAIT_SECONDS = 10;
const WAIT_SECONDS_MAX = 3600;

const USAGE =
  `Checks bets.csv and agencies_closed.txt on a shared volume row by row, or the streams of a ledger on JetStream
message by message. Servers may be running.

Usage: ${TASK} check [--volume DIR] [--agencies N] [--wait SECONDS] [--repair | --json]
       ${TASK} check [--ledger LEDGER] [--json]
       ${TASK} check --data FILE --agency N [--volume DIR | --ledger LEDGER] [--wait SECONDS] [--json]
       ${TASK} check --accept-loss [--yes] [--volume DIR] [--agencies N] [--wait SECONDS]
       ${TASK} check --clear-disk-failure [--volume DIR]

  --volume    the folder of the two files (default: the server's SHARED_VOLUME)
  --agencies  agencies of the lottery, 1 to ${AGENCIES_MAX} (default: the server's AGENCIES_AMOUNT)
  --wait      seconds to wait for the lock of bets.csv (default: ${WAIT_SECONDS})
  --repair    recover the end of bets.csv from the redo logs, as the next server would, and copy what no log
              holds to bets.csv.cut-TIME beside it; changes nothing if a server is running or there is damage
  --data      compare what is stored of one agency with FILE, its CSV file, instead, and name the first bet
              that is not the same
  --agency    that agency
  --accept-loss
              let servers start although something is missing that was durable: says what, asks for
              confirmation, and moves bets.csv.checkpoint, bets.csv.round and the redo logs to names that
              end in .lost-TIME; the other files stay as they are. Stop all servers first
  --yes       confirm without being asked
  --clear-disk-failure
              let servers start although the disk has failed once: shows the note disk-failure.json and
              moves it to disk-failure.json.cleared-TIME
  --ledger    the ledger, if it is not that of LEDGER in the environment, .env or server/config.ini:
              ${LEDGER_FORMS}
              The nodes that up starts are started for the check if they do not run
  --json      print one JSON object instead: docs/json.md describes it
  --help      show this text

Without --repair, --accept-loss and --clear-disk-failure nothing is written. The server's settings come from
server/config.ini and the environment. Each fault is reported with its line and the position of that line's
first byte. Rows are judged as servers judge them when they start.

Exit code:
  0  sound
  1  the check failed: an unreadable file, a lock that was not obtained, a full disk, an invalid bet in FILE;
     or the loss was not confirmed
  2  a wrong argument or setting, or no such folder or file
  3  nothing worse than a torn end of bets.csv, or a torn last line of agencies_closed.txt: a writer was
     killed or power was cut, the torn bytes were not acknowledged, and servers recover by themselves
  4  damage in the middle of bets.csv, which only a person can repair; acknowledged bets are missing; or a
     huge hole of zeros at the end; in a stream, a message that no server has written so, or a missing one
  5  damage in agencies_closed.txt: a line that is not an agency of this lottery, or a repeated one; or
     acknowledged closes, or lottery.json, are missing; in a stream, a message after its agency's close, or
     settings with which it may lose what it stores
  6  with --data: the agency's stored bets are not the first ones of FILE (0: they are, and if fewer, the others
     are not stored yet)
  7  sound, but a server has left the note disk-failure.json: servers do not start
Of several, 4 takes precedence over 5, both over 3, and 3 over 7. With --repair and --accept-loss, the code is
that of what is left.`;

const OPTIONS = {
  ...LEDGER_FLAG,
  volume: { type: "string" },
  agencies: { type: "string" },
  agency: { type: "string" },
  data: { type: "string" },
  wait: { type: "string" },
  repair: { type: "boolean", default: false },
  "accept-loss": { type: "boolean", default: false },
  "clear-disk-failure": { type: "boolean", default: false },
  yes: { type: "boolean", default: false },
  ...JSON_FLAG,
} as const;

type Flags =
  & { [name in "volume" | "agencies" | "agency" | "data" | "ledger" | "wait"]?: string }
  & { [name in "repair" | "accept-loss" | "clear-disk-failure" | "yes" | "json"]: boolean };

/** What to do besides checking. */
type Mode = "check" | "repair" | "data" | "accept-loss" | "clear-disk-failure";

/** The command line. */
interface Request {
  mode: Mode;
  volume: string;
  agencies: number;
  waitMs: number;
  json: boolean;
}

function readRequest({ volume, ...flags }: Flags): Request {
  if (volume === "") throw new UsageError("--volume is empty: give a folder");
  const waitRule = { min: 1, max: WAIT_SECONDS_MAX, default: WAIT_SECONDS };
  const waitMs = 1000 * integerFlag("wait", flags.wait, waitRule);
  const { json } = flags;
  const mode = modeOf(flags);
  // The others judge no rows, and so need no settings but the volume's.
  const judgesRows = mode !== "data" && mode !== "clear-disk-failure";
  const agencies = flags.agencies === undefined
    ? judgesRows ? undefined : AGENCIES_MAX
    : integerFlag("agencies", flags.agencies, { min: 1, max: AGENCIES_MAX });
  // With both, no settings are needed: the volume may be another machine's.
  if (volume !== undefined && agencies !== undefined) {
    return { mode, volume, agencies, waitMs, json };
  }
  const settings = readSettings();
  return {
    mode,
    volume: volume ?? settings.sharedVolume,
    agencies: agencies ?? settings.agencies,
    waitMs,
    json,
  };
}

function modeOf(flags: Omit<Flags, "volume">): Mode {
  const { data, repair, "accept-loss": accept, "clear-disk-failure": clear } = flags;
  const given: Record<Exclude<Mode, "check">, boolean> = {
    repair,
    data: data !== undefined,
    "accept-loss": accept,
    "clear-disk-failure": clear,
  };
  const modes = (Object.keys(given) as (keyof typeof given)[]).filter((mode) => given[mode]);
  if (modes.length > 1) throw new UsageError(`--${modes.join(" and --")} cannot be combined`);
  if (flags.yes && !accept) throw new UsageError("--yes only confirms --accept-loss");
  if (flags.agency !== undefined && data === undefined) {
    throw new UsageError("--agency needs --data: give the agency's file");
  }
  const mode = modes.at(0) ?? "check";
  if (flags.json && mode !== "check" && mode !== "data") {
    throw new UsageError(`--json only reports: it cannot be combined with --${mode}`);
  }
  return mode;
}

/** Returns the agency and its file. */
function readCompared({ agency, data = "" }: Flags): Compared {
  if (agency === undefined) throw new UsageError("--data needs --agency: give the agency's number");
  if (data === "") throw new UsageError("--data is empty: give the agency's file");
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
async function check({ mode, volume, agencies, waitMs, json }: Request): Promise<number> {
  if (json) {
    const report = volumeReport(await examine(volume, { agencies, waitMs }), { volume, agencies });
    printJson(report);
    return report.exitCode;
  }
  let found = await examineAndReport({ volume, agencies, waitMs });
  if (mode === "repair") {
    const refusal = refusalLine(found);
    if (refusal !== undefined) print([refusal]);
    else if (found.snapshot.betsSize !== undefined) {
      const repaired = await repairVolume(volume, { waitMs });
      print(repairLines(repaired));
      if (repaired !== undefined) found = afterRepair(found, repaired);
    }
  }
  print(verdictOf(found));
  return exitCodeOf(found);
}

async function examineAndReport(
  { volume, agencies, waitMs }: Pick<Request, "volume" | "agencies" | "waitMs">,
): Promise<Examination> {
  const beginMs = performance.now();
  const found = await examine(volume, { agencies, waitMs });
  const seconds = ((performance.now() - beginMs) / 1000).toFixed(1);
  print([`volume: ${volume}, read in ${seconds} s`, ...reportOf(found, agencies)]);
  return found;
}

/** Accepts that bytes are missing, once it is confirmed. Returns the exit code of what is left. */
async function accept(request: Request, { yes }: Flags): Promise<number> {
  const { volume, agencies, waitMs } = request;
  const found = await examineAndReport(request);
  if (found.losses.length === 0) {
    print([
      "accept-loss: nothing is known to be missing; nothing was changed.",
      ...verdictOf(found),
    ]);
    return exitCodeOf(found);
  }
  print([ACCEPTED_MEANING]);
  if (!yes && !isConfirmed()) {
    print(["accept-loss: not confirmed; nothing was changed."]);
    return 1;
  }
  const moved = await acceptLoss(volume, { snapshot: found.snapshot, waitMs });
  print([`accept-loss: moved to ${moved.join(", ")}; the other files stay as they are.`]);
  const left = await examine(volume, { agencies, waitMs });
  print(verdictOf(left));
  return exitCodeOf(left);
}

const ACCEPTED_MEANING =
  "accept-loss: what is missing stays missing: agencies take their stored bets to be those above, and a missing " +
  `close makes an agency open again. Compare each agency with its file afterwards (${TASK} check --data).`;

/** Asks the operator. @throws {UsageError} If there is none at a terminal. */
function isConfirmed(): boolean {
  if (!Deno.stdin.isTerminal()) {
    throw new UsageError("Cannot ask for confirmation without a terminal: give --yes to confirm");
  }
  return confirm("Accept this loss?");
}

/** Moves the note of a failed disk aside, after showing it. Returns the exit code. */
async function clearDiskFailure({ volume }: Request): Promise<number> {
  if (!Deno.statSync(volume).isDirectory) throw new Deno.errors.NotADirectory();
  const note = await unlessNotFound(Deno.readTextFile(`${volume}/${DISK_FAILURE_FILE}`));
  if (note === undefined) {
    print([`There is no ${DISK_FAILURE_FILE} on ${volume}; nothing was changed.`]);
    return 0;
  }
  print([`${DISK_FAILURE_FILE}: ${note.trim()}`]);
  const moved = moveAside(volume, {
    name: DISK_FAILURE_FILE,
    suffix: "cleared",
    nowMs: Date.now(),
  });
  print([`${DISK_FAILURE_FILE} is now ${moved}: servers start again.`]);
  return 0;
}

/** Compares what is stored of an agency with its file. Returns the exit code. */
async function compare({ volume, waitMs, json }: Request, compared: Compared): Promise<number> {
  const comparison = await readAtOneMoment(volume, {
    waitMs,
    read: ({ readBets: read, plan }, { betsSize = 0, journal: { round } }) => {
      // If the file has lost its end, the rest counts.
      const wholeSize = plan?.size ?? inspectTail(betsSize, round, { read }).wholeSize;
      const rows = rowsOfVolume({ read, wholeSize, agency: compared.agency });
      return compareBets({ ...compared, rows });
    },
  });
  if (json) printJson(comparisonReport(comparison, compared));
  else print([`volume: ${volume}`, ...comparisonLines(comparison, compared)]);
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
function explain(error: unknown, { mode, volume }: Request): Error {
  if (error instanceof UsageError) return error;
  const task = `Cannot ${mode === "repair" ? "check and repair" : "check"} ${volume}`;
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

/** Checks or compares streams. Returns the exit code. */
async function runOnStreams(ledger: StreamToolLedger, flags: Flags): Promise<number> {
  const mode = modeOf(flags);
  if (mode !== "check" && mode !== "data") {
    throw new UsageError(
      `--${mode} is for files: the nodes of a ledger on JetStream repair themselves`,
    );
  }
  if (flags.agencies !== undefined) {
    throw new UsageError(
      "--agencies is for files: a draw on JetStream knows its number of agencies",
    );
  }
  const compared = mode === "data" ? readCompared(flags) : undefined;
  if (compared !== undefined) await assertFile(compared.data);
  const { lines, exitCode, report } = await withStreams(
    ledger,
    (streams) => compared === undefined ? checkStreams(streams) : compareStreams(streams, compared),
  );
  if (flags.json) printJson(report);
  else print(lines);
  return exitCode;
}

async function run(flags: Flags): Promise<number> {
  if (flags.volume !== undefined && flags.ledger !== undefined) {
    throw new UsageError("--volume and --ledger exclude each other");
  }
  const ledger = flags.volume === undefined
    ? readToolLedger({ flag: flags.ledger, action: "check" })
    : undefined;
  if (ledger !== undefined && isOnStreams(ledger)) return await runOnStreams(ledger, flags);
  const request = readRequest(flags);
  const compared = request.mode === "data" ? readCompared(flags) : undefined;
  if (compared !== undefined) await assertFile(compared.data);
  try {
    if (compared !== undefined) return await compare(request, compared);
    if (request.mode === "accept-loss") return await accept(request, flags);
    if (request.mode === "clear-disk-failure") return await clearDiskFailure(request);
    return await check(request);
  } catch (error) {
    throw explain(error, request);
  }
}

if (import.meta.main) Deno.exit(await runCommand({ usage: USAGE, options: OPTIONS, run }));
