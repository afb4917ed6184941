/**
 * `deno task up`: runs the whole lottery, shows its logs, and reports the result.
 *
 * @module
 */

import { runCommand } from "./command.ts";
import { SHARED_VOLUME, TASK } from "./project.ts";
import { provideBets } from "./run/agency_bets.ts";
import { BOARD, type BoardPlan, planBoard, RunBoard } from "./run/board.ts";
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
import { LOG_FILE, Printer } from "./run/printer.ts";
import { reportRun, verdictOn } from "./run/report.ts";
import type { RunLedger } from "./run/run_ledger.ts";
import { RunLock } from "./run/run_lock.ts";
import { readRunSettings, type RunSettings } from "./run/run_settings.ts";
import { STREAMS_RUN_LEDGER } from "./streams/streams_run_ledger.ts";
import { VOLUME_LEDGER } from "./run/volume_ledger.ts";

const USAGE =
  `Starts servers and clients, waits until every agency has its winners, and checks the result. If LEDGER is
jetstream, three nodes start with them.

Usage: ${TASK} up [--local] [--ledger LEDGER] [--no-board]

  --local     run them as processes on this machine; the default where Docker cannot be used
  --ledger    where the bets are kept, by default as LEDGER in .env says:
              ${LEDGER_FORMS}
  --no-board  do without the board, which shows the lottery at http://localhost:8080 (BOARD_PORT)
  --help      show this text

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

interface UpFlags {
  local: boolean;
  ledger?: string;
  "no-board": boolean;
}

async function run({ local, ledger: flag, "no-board": noBoard }: UpFlags): Promise<number> {
  if (await ensureEnvFile()) console.log(".env: copied from .env.example");
  const settings = readRunSettings({ environment: environmentWithFlag(flag) });
  using lock = await RunLock.acquire();
  // Without containers, there is nothing to ask Docker, which may hang.
  if (!local) await ComposeProject.assertNotRunning();
  const stop = stopOnSignals();
  const cluster = await chooseCluster(local);
  await cluster.prepare(settings);
  const samples = await provideBets(settings.lottery);
  await Deno.mkdir(SHARED_VOLUME, { recursive: true });
  await clearResults();
  const betsExpected = await countBets(settings.lottery);
  lock.describe({ betsExpected });
  const ledger = chooseLedger(settings);
  const plan = noBoard ? undefined : planBoard(settings.lottery.board, betsExpected);
  return await runLottery({ cluster, ledger, settings, lock, stop }, { samples, plan });
}

/** Runs nodes, servers and clients, prints their lines and the report, and returns the exit code. */
async function runLottery(
  run: Omit<LotteryRun, "printer" | "board">,
  { samples, plan }: { samples: number[]; plan?: BoardPlan },
): Promise<number> {
  const { cluster, settings, stop, ledger } = run;
  const names = [...Object.values(serviceNames(settings.lottery)).flat(), ...plan ? [BOARD] : []];
  using log = await Deno.create(LOG_FILE);
  const keep = (line: string) => log.writeSync(new TextEncoder().encode(`${line}\n`));
  const printer = new Printer({ names, keep });
  const say = (line: string) => printer.say(line);
  await using board = plan && new RunBoard({ plan, cluster, say });
  const { watch, stored } = await runServices({ ...run, board, printer });
  if (stored === undefined) {
    const command = taskCommand("up", settings.lottery.ledger);
    printer.say(`Stopped. The stored bets stay; to continue, run: ${command}`);
    return SIGNAL_EXITS[stop.reason as StopSignal];
  }
  const results = await readResults(settings.lottery.clients);
  const report = reportRun(watch, { ...stored, place: ledger.place, results, samples });
  for (const line of ["", ...report.table, "", ...verdictOn(report)]) printer.say(line);
  await board?.stay(stop);
  return report.faults.length === 0 ? 0 : 1;
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

async function chooseCluster(isLocal: boolean): Promise<Cluster> {
  if (isLocal) return LOCAL_CLUSTER;
  const fault = await dockerFault();
  if (fault === undefined) return COMPOSE_CLUSTER;
  console.log(`${fault}: servers and clients run as processes on this machine`);
  return LOCAL_CLUSTER;
}

function chooseLedger({ lottery }: RunSettings): RunLedger {
  return lottery.ledger.kind === "files" ? VOLUME_LEDGER : STREAMS_RUN_LEDGER;
}

if (import.meta.main) {
  const options = {
    local: { type: "boolean", default: false },
    "no-board": { type: "boolean", default: false },
    ...LEDGER_FLAG,
  } as const;
  Deno.exit(await runCommand({ usage: USAGE, options, run }));
}
