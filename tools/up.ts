/**
 * `deno task up`: runs the whole lottery, shows its logs, and reports the result.
 *
 * @module
 */

import { red, runCommand, UsageError } from "./command.ts";
import { JSON_FLAG, printJson } from "./json_reports.ts";
import { SHARED_VOLUME, TASK } from "./project.ts";
import { provideBets } from "./run/agency_bets.ts";
import { BOARD, planBoard, RunBoard } from "./run/board.ts";
import { countBets } from "./run/bets_folder.ts";
import { clearResults, readResults } from "./run/client_results.ts";
import type { Cluster } from "./run/cluster.ts";
import { COMPOSE_CLUSTER } from "./run/compose_cluster.ts";
import { ComposeProject, dockerFault } from "./run/docker.ts";
import {
  environmentWithFlag,
  LEDGER_FLAG,
  LEDGER_FORMS,
  taskCommand,
} from "./run/ledger_choice.ts";
import { LOCAL_CLUSTER } from "./run/local_cluster.ts";
import { type LotteryRun, runServices } from "./run/lottery_run.ts";
import { ensureEnvFile, serviceNames } from "./run/lottery_settings.ts";
import { LOG_FILE, LOG_FILE_NAME } from "./run/printer.ts";
import {
  closingSentence,
  type LedgerFacts,
  type Report,
  reportRun,
  resultReport,
  verdictOn,
} from "./run/report.ts";
import { chooseDisplay, type DisplayFlags, RunDisplay } from "./run/run_display.ts";
import type { RunLedger } from "./run/run_ledger.ts";
import { RunLock } from "./run/run_lock.ts";
import { assertOwnSecrets, readRunSettings, type RunSettings } from "./run/run_settings.ts";
import { STREAMS_RUN_LEDGER } from "./streams/streams_run_ledger.ts";
import { VOLUME_LEDGER } from "./run/volume_ledger.ts";

const USAGE =
  `Starts servers and clients, waits until every agency has its winners, and checks the result. If LEDGER is
jetstream, three nodes start with them.

Usage: ${TASK} up [--local] [--secure] [--ledger LEDGER] [--no-board] [--verbose | --plain | --json]

  --local     run them as processes on this machine; the default where Docker cannot be used
  --secure    with TLS, and a key for each agency, which are made in .cache/secure for this run (needs openssl)
  --ledger    where the bets are kept, by default as LEDGER in .env says:
              ${LEDGER_FORMS}
  --no-board  do without the board, which shows the lottery at http://localhost:8080 (BOARD_PORT)
  --verbose   print the lines of all services, as it is done without a terminal, or if CI is set, instead of
              a live panel
  --plain     print a line when something changes, at most one every two seconds, and never move the cursor:
              for screen readers
  --json      print JSON, one object a line: docs/json.md describes it
  --help      show this text

All lines of the services go to .cache/up.log; ${TASK} logs shows them. NO_COLOR turns colors off.

All bets are checked before anything starts. Sample bets are made only if DATASET names no other folder
than .data, and that is missing or empty. A finished draw on the volume moves to
server/shared-volume/archive, one on JetStream stays in its streams; an unfinished one continues. A server
or node that dies is started again. Ctrl-C stops everything. On a terminal the board stays open after the run,
until Ctrl-C.

Exit code:
  0              every bet is stored, and every agency knows its winners
  1              the run failed, or its result is wrong
  2              a setting or flag is invalid
  129, 130, 143  a signal stopped the run`;

/** The exit code of a process that a signal has ended. */
const SIGNAL_EXITS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
type StopSignal = keyof typeof SIGNAL_EXITS;

/**
 * Ctrl-C arrives twice: a terminal sends it to all processes of its group, and `deno task`, one of
 * them, passes it on. A signal this soon after the first one is the same request.
 */
const SAME_REQUEST_MS = 1000;

/** The values of the flags. */
interface Flags extends DisplayFlags {
  local: boolean;
  secure: boolean;
  ledger?: string;
  "no-board": boolean;
}

/** Says something to the operator before the run is shown. */
type Say = (line: string) => void;

async function run(
  { local, secure: isSecure, ledger: flag, "no-board": noBoard, ...flags }: Flags,
): Promise<number> {
  const mode = chooseMode(flags);
  const say: Say = mode === "json"
    ? (text) => printJson({ type: "message", text })
    : (line) => console.log(line);
  if (await ensureEnvFile()) say(".env: copied from .env.example");
  const settings = { ...readRunSettings({ environment: environmentWithFlag(flag) }), isSecure };
  assertOwnSecrets(settings);
  using lock = await RunLock.acquire();
  const requests = stopOnSignals(say);
  const cluster = await sayWhile(say, "Asking Docker", async () => {
    // Without containers, there is nothing to ask Docker, which may hang.
    if (!local) await ComposeProject.assertNotRunning();
    return await chooseCluster(local, say);
  });
  await cluster.prepare(settings, say);
  const samples = await sayWhile(
    say,
    "Checking the bets of all agencies",
    () => provideBets(settings.lottery, undefined, say),
  );
  await Deno.mkdir(SHARED_VOLUME, { recursive: true });
  await clearResults();
  const betsExpected = await countBets(settings.lottery);
  requests.isRunning = true;
  const stop = requests.signal;
  lock.describe({ betsExpected });
  const ledger = chooseLedger(settings);
  const plan = noBoard ? undefined : planBoard(settings.lottery.board, betsExpected);
  using log = await Deno.create(LOG_FILE);
  await using display = new RunDisplay({
    mode,
    names: serviceNames(settings.lottery),
    board: plan && BOARD,
    betsExpected,
    keep: (line) => log.writeSync(new TextEncoder().encode(`${line}\n`)),
    findServers: cluster.findServers,
  });
  // Stopped after everything else of the run.
  await using board = plan && new RunBoard({ plan, cluster, say: (line) => display.say(line) });
  return await runLottery({ cluster, ledger, settings, lock, display, board, stop }, samples);
}

function chooseMode(flags: DisplayFlags) {
  const given = (["verbose", "plain", "json"] as const).filter((name) => flags[name]);
  if (given.length > 1) throw new UsageError(`--${given.join(" and --")} exclude each other`);
  return chooseDisplay(flags);
}

/** How long something may take before its name is said. */
const SILENT_MS = 1500;

/** Says what takes so long, if it does. */
async function sayWhile<T>(say: Say, step: string, work: () => Promise<T>): Promise<T> {
  const timer = setTimeout(() => say(`${step} …`), SILENT_MS);
  return await work().finally(() => clearTimeout(timer));
}

/** Runs nodes, servers and clients, shows them and the report, and returns the exit code. */
async function runLottery(run: LotteryRun, samples: number[]): Promise<number> {
  const { settings, stop, ledger, display } = run;
  const { watch, stored } = await runServices(run).catch(async (error) => {
    await display.close();
    display.sayExtract();
    throw error;
  });
  await display.close();
  if (stored === undefined) {
    const command = taskCommand("up", settings.lottery.ledger);
    display.say(`Stopped. The stored bets stay; to continue, run: ${command}`);
    return SIGNAL_EXITS[stop.reason as StopSignal];
  }
  const results = await readResults(settings.lottery.clients);
  const { columns } = display;
  const report = reportRun(watch, { ...stored, place: ledger.place, results, samples, columns });
  const facts = { promise: ledger.promise(settings), location: ledger.location(settings) };
  const exitCode = showReport(run, report, facts);
  if (display.mode !== "json") await run.board?.untilClosed(stop);
  return exitCode;
}

/** Shows what has become of a run, and returns the exit code. */
function showReport({ display, board, stop }: LotteryRun, report: Report, facts: LedgerFacts) {
  const exitCode = report.faults.length === 0 ? 0 : 1;
  if (display.mode === "json") {
    printJson(resultReport(report, { exitCode, log: LOG_FILE, ...facts }));
    return exitCode;
  }
  for (const line of ["", ...report.table, ""]) display.say(line);
  if (exitCode !== 0) {
    display.sayExtract();
    display.say(`All lines: ${TASK} logs (${LOG_FILE_NAME})`);
    // A failure stays the last thing on the screen.
    board?.sayStaying(stop);
    const paint = Deno.stdout.isTerminal() && !Deno.noColor ? red : undefined;
    for (const line of verdictOn(report)) display.saySentence(line, paint);
    return exitCode;
  }
  if (display.mode === "lines") { for (const line of verdictOn(report)) display.say(line); }
  else display.saySentence(closingSentence(report, facts));
  board?.sayStaying(stop);
  return exitCode;
}

/** What the operator asks for with signals. */
interface StopRequests {
  /** Aborts, with the name of the signal, when the operator asks to stop. */
  signal: AbortSignal;
  /** Whether there is something to stop in order: until then, a request ends this process at once. */
  isRunning: boolean;
}

/** Takes requests to stop; SIGHUP comes when the terminal is closed. A second one ends this process at once. */
function stopOnSignals(say: Say): StopRequests {
  const controller = new AbortController();
  const requests: StopRequests = { signal: controller.signal, isRunning: false };
  let firstMs = 0;
  for (const signal of Object.keys(SIGNAL_EXITS) as StopSignal[]) {
    if (signal === "SIGTERM" && Deno.build.os === "windows") continue;
    Deno.addSignalListener(signal, () => {
      if (!requests.isRunning) {
        say("Stopped before anything was started");
        Deno.exit(SIGNAL_EXITS[signal]);
      }
      if (!controller.signal.aborted) {
        firstMs = performance.now();
        controller.abort(signal);
      } else if (performance.now() - firstMs > SAME_REQUEST_MS) Deno.exit(SIGNAL_EXITS[signal]);
    });
  }
  return requests;
}

async function chooseCluster(isLocal: boolean, say: Say): Promise<Cluster> {
  if (isLocal) return LOCAL_CLUSTER;
  const fault = await dockerFault();
  if (fault === undefined) return COMPOSE_CLUSTER;
  say(`${fault}: servers and clients run as processes on this machine`);
  return LOCAL_CLUSTER;
}

function chooseLedger({ lottery }: RunSettings): RunLedger {
  return lottery.ledger.kind === "files" ? VOLUME_LEDGER : STREAMS_RUN_LEDGER;
}

if (import.meta.main) {
  const options = {
    local: { type: "boolean", default: false },
    secure: { type: "boolean", default: false },
    "no-board": { type: "boolean", default: false },
    ...LEDGER_FLAG,
    verbose: { type: "boolean", default: false },
    plain: { type: "boolean", default: false },
    ...JSON_FLAG,
  } as const;
  Deno.exit(await runCommand({ usage: USAGE, options, run }));
}
