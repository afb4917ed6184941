/**
 * `deno task up`: runs the whole lottery, shows its logs, and reports the result.
 *
 * @module
 */

import { runCommand } from "./command.ts";
import { SHARED_VOLUME, SHARED_VOLUME_NAME, TASK, TaskError } from "./project.ts";
import { provideBets } from "./run/agency_bets.ts";
import { BOARD, type BoardPlan, BoardWatch, planBoard } from "./run/board.ts";
import { countBets, datasetFolder } from "./run/bets_folder.ts";
import { clearResults, readResults } from "./run/client_results.ts";
import type { Cluster } from "./run/cluster.ts";
import { COMPOSE_CLUSTER } from "./run/compose_cluster.ts";
import { ComposeProject, dockerFault } from "./run/docker.ts";
import { dropUnusedIdentity, recordedAgencies } from "./run/draw_record.ts";
import {
  archiveDraw,
  assertDiskWorks,
  assertWritable,
  closedAgencies,
  finishArchiving,
  isDrawFinished,
  isVolumeEmpty,
} from "./run/ledger_archive.ts";
import { LOCAL_CLUSTER } from "./run/local_cluster.ts";
import { ensureEnvFile, type LotterySettings, serviceNames } from "./run/lottery_settings.ts";
import { LOG_FILE, Printer } from "./run/printer.ts";
import { reportRun, verdictOn } from "./run/report.ts";
import { RunLock } from "./run/run_lock.ts";
import { readRunSettings, type RunSettings } from "./run/run_settings.ts";
import { RunWatch } from "./run/run_watch.ts";
import { continuationFault, tallyBets } from "./run/stored_bets.ts";

const USAGE =
  `Starts servers and clients, waits until every agency has its winners, and checks the result.

Usage: ${TASK} up [--local] [--no-board]

  --local     run them as processes on this machine; the default where Docker cannot be used
  --no-board  do not start the board, which shows the lottery at http://localhost:8080 (BOARD_PORT)
  --help      show this text

All bets are checked before anything starts. Sample bets are made only if DATASET names no other folder
than .data, and that is missing or empty. A finished draw on the volume moves to
server/shared-volume/archive; an unfinished one continues. A server that dies is started again. Ctrl-C
stops everything. On a terminal, the board stays open after the run until Ctrl-C.

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

interface UpFlags {
  local: boolean;
  "no-board": boolean;
}

async function run({ local, "no-board": hasNoBoard }: UpFlags): Promise<number> {
  if (await ensureEnvFile()) console.log(".env: copied from .env.example");
  const settings = readRunSettings();
  using lock = await RunLock.acquire();
  // Without containers, there is nothing to ask Docker, which may hang.
  if (!local) await ComposeProject.assertNotRunning();
  const stop = stopOnSignals();
  const cluster = await chooseCluster(local);
  await cluster.prepare(settings);
  const samples = await provideBets(settings.lottery);
  await prepareVolume(settings);
  await clearResults();
  const betsExpected = await countBets(settings.lottery);
  lock.describe({ betsExpected });
  const board = hasNoBoard ? undefined : planBoard(settings.lottery.board, betsExpected);
  return await runLottery(cluster, { settings, lock, samples, stop, board });
}

/** Runs servers and clients, prints their lines and the report, and returns the exit code. */
async function runLottery(
  cluster: Cluster,
  { settings, lock, samples, stop, board }: LotteryRun,
): Promise<number> {
  const names = serviceNames(settings.lottery);
  const watch = new RunWatch(names);
  using log = await Deno.create(LOG_FILE);
  const keep = (line: string) => log.writeSync(new TextEncoder().encode(`${line}\n`));
  const printer = new Printer({ names: [...names.servers, ...names.clients, BOARD], keep });
  watch.outcome.then((outcome) => {
    if (outcome === "stuck") printer.say("An agency has not closed, so there is no draw: stopping");
  });
  const stopped = aborted(stop).then(() => printer.say("Stopping"));
  const boardWatch = new BoardWatch(board, (line) => printer.say(line));
  let exitCode: number | undefined;
  await cluster.run({
    settings,
    board,
    finished: Promise.race([watch.outcome, stopped]),
    stop,
    onStart: (children) => lock.record(children),
    onServers: (servers) => lock.describe({ servers }),
    onLine: (name, line) => {
      printer.line(name, line);
      if (name === BOARD) boardWatch.line(line);
      else watch.line(name, line);
    },
    onEnd: (name, exitCode) => {
      if (name === BOARD) boardWatch.end(exitCode);
      else watch.end(name, exitCode);
    },
    onDown: (name) => watch.down(name),
    onStopped: async () => {
      if (stop.aborted) return;
      exitCode = await concludeRun(watch, { settings, samples, printer });
      await boardWatch.stay(aborted(stop));
    },
  });
  if (exitCode !== undefined) return exitCode;
  printer.say(`Stopped. The stored bets stay; to continue, run: ${TASK} up`);
  return SIGNAL_EXITS[stop.reason as StopSignal];
}

/** Prints the report of a run that has ended by itself. Returns the exit code. */
async function concludeRun(
  watch: RunWatch,
  { settings, samples, printer }: Pick<LotteryRun, "settings" | "samples"> & { printer: Printer },
): Promise<number> {
  const report = reportRun(watch, {
    closed: await closedAgencies(SHARED_VOLUME),
    results: await readResults(settings.lottery.clients),
    samples,
    tallies: await tallyBets(SHARED_VOLUME, settings.server.winningNumber),
  });
  for (const line of ["", ...report.table, "", ...verdictOn(report)]) printer.say(line);
  return report.faults.length === 0 ? 0 : 1;
}

/** A run that has been prepared. */
interface LotteryRun {
  settings: RunSettings;
  lock: RunLock;
  /** The agencies whose bets are samples. */
  samples: readonly number[];
  stop: AbortSignal;
  /** The board to start, if any. */
  board?: BoardPlan;
}

/**
 * Returns a signal that aborts, with the name of the signal, when the operator asks to stop; SIGHUP
 * comes when the terminal is closed. A second request ends this process at once.
 */
function stopOnSignals(): AbortSignal {
  const controller = new AbortController();
  let firstMs = 0;
  for (const signal of Object.keys(SIGNAL_EXITS) as StopSignal[]) {
    if (signal === "SIGTERM" && Deno.build.os === "windows") continue;
    Deno.addSignalListener(signal, () => {
      if (!controller.signal.aborted) {
        firstMs = performance.now();
        controller.abort(signal);
      } else if (performance.now() - firstMs > SAME_REQUEST_MS) Deno.exit(SIGNAL_EXITS[signal]);
    });
  }
  return controller.signal;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}

async function chooseCluster(isLocal: boolean): Promise<Cluster> {
  if (isLocal) return LOCAL_CLUSTER;
  const fault = await dockerFault();
  if (fault === undefined) return COMPOSE_CLUSTER;
  console.log(`${fault}: servers and clients run as processes on this machine`);
  return LOCAL_CLUSTER;
}

/** Archives a finished draw, and checks that an unfinished one can continue. */
async function prepareVolume({ lottery, server }: RunSettings): Promise<void> {
  await Deno.mkdir(SHARED_VOLUME, { recursive: true });
  await assertWritable(SHARED_VOLUME);
  assertDiskWorks(SHARED_VOLUME);
  const interrupted = await finishArchiving(SHARED_VOLUME);
  if (interrupted !== undefined) {
    console.log(`Finished archiving the last draw to ${SHARED_VOLUME_NAME}/${interrupted}`);
  }
  const agencies = await recordedAgencies(SHARED_VOLUME) ?? lottery.clients;
  if (await isDrawFinished(SHARED_VOLUME, agencies)) {
    const folder = await archiveDraw(SHARED_VOLUME);
    console.log(`Archived the last draw to ${SHARED_VOLUME_NAME}/${folder}`);
  } else if (!await isVolumeEmpty(SHARED_VOLUME)) {
    await assertCanContinue(lottery);
    console.log("Continuing the unfinished draw");
  } else await dropUnusedIdentity(SHARED_VOLUME, server);
}

async function assertCanContinue({ dataset, clients: agencies }: LotterySettings): Promise<void> {
  const folder = datasetFolder(dataset);
  const fault = await continuationFault(SHARED_VOLUME, { folder, agencies });
  if (fault === undefined) return;
  throw new TaskError(
    `Cannot continue the unfinished draw: ${fault}. Restore CLIENTS, DATASET and the bets as they were, or ` +
      `archive the draw to start a new one: ${TASK} reset`,
  );
}

if (import.meta.main) {
  const options = {
    local: { type: "boolean", default: false },
    "no-board": { type: "boolean", default: false },
  } as const;
  Deno.exit(await runCommand({ usage: USAGE, options, run }));
}
