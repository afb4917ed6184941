/**
 * `deno task up`: starts the whole lottery, shows what it does, and says how it went.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { type Agreement, readAgreement } from "./run/agreement.ts";
import { betsFiles, datasetFolder, presentBetsFiles, writeSample } from "./run/bets_folder.ts";
import type { RunCluster, ServerEnds } from "./run/cluster.ts";
import { updateComposeFile } from "./compose.ts";
import { runInContainers } from "./run/compose_cluster.ts";
import { serviceNames } from "./run/compose_file.ts";
import { continuationFault } from "./run/continuation.ts";
import { dockerFault } from "./run/docker.ts";
import { ensureEnvFile, type LotterySettings } from "./run/env_file.ts";
import { runTask, TASK, TaskError } from "./flags.ts";
import { assertPortsCanBeHad, runLocally } from "./run/local_cluster.ts";
import { PROJECT_ROOT, unlessNotFound } from "./project.ts";
import { Printer } from "./run/printer.ts";
import { reportRun } from "./run/report.ts";
import { RunLock } from "./run/run_lock.ts";
import { RunWatch } from "./run/run_watch.ts";
import { assertNothingRuns } from "./run/running.ts";
import {
  archive,
  assertWritable,
  finishArchive,
  isDrawFinished,
  isVolumeEmpty,
  recordAgencies,
  recordedAgencies,
  tallyBets,
  volumeOf,
} from "./run/volume.ts";

const USAGE =
  `Starts servers and clients, waits until every agency has its winners, and checks the outcome.

Usage: ${TASK} up [--local]

  --local   run them as processes of this machine, without Docker; also done where there is no Docker
  --help    this text

A draw that was finished before is put into server/shared-volume/archive; one that was not goes on.
Ctrl-C stops everything.

Exit code: 0 when all went well, 1 when something is amiss, 2 for a wrong setting or flag, 129, 130 or 143 when a
signal stopped it.`;

/** The exit code of a process that a signal has ended. */
const SIGNAL_EXITS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      local: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const root = PROJECT_ROOT;
  if (await ensureEnvFile(root)) console.log(".env: made out of .env.example");
  const agreement = readAgreement({ root });
  using lock = await RunLock.acquire(root);
  await assertNothingRuns(root);
  lock.record([]);
  const stop = stopOnSignals();
  const runCluster = await chooseCluster(values.local);
  if (runCluster === runLocally) assertPortsCanBeHad(agreement);
  await provideBets(root, agreement);
  if (runCluster === runInContainers) await provideComposeFile(root, agreement);
  await prepareVolume(root, agreement);
  using log = await Deno.create(logFile(root));
  const printer = new Printer({
    nameCharsMax: Math.max(
      ...Object.values(serviceNames(agreement.lottery)).flat().map((n) => n.length),
    ),
    keep: (line) => log.writeSync(new TextEncoder().encode(`${line}\n`)),
  });
  const watch = new RunWatch(agreement.lottery.clients);
  watch.outcome.then((outcome) => {
    if (outcome === "stuck") printer.say("An agency has not closed, so there is no draw: stopping");
  });
  stop.addEventListener("abort", () => printer.say("Stopping"));
  const onStart = (children: number[]) => lock.record(children);
  const ends = await runCluster({ root, agreement, printer, watch, stop, onStart });
  if (stop.aborted) {
    printer.say(`Stopped. The stored bets stay, and ${TASK} up goes on from there`);
    return SIGNAL_EXITS[stop.reason as keyof typeof SIGNAL_EXITS];
  }
  return await report({ agreement, watch, printer, ends, root });
}

/** The file with all lines of the last run. */
export function logFile(root: string): string {
  return `${root}/.cache/up.log`;
}

/**
 * Ctrl-C reaches this process twice: a terminal sends it to all processes of its group, and `deno task`, which is one
 * of them, passes it on. What comes this soon after the first signal is the same wish.
 */
const SAME_WISH_MS = 1000;

/**
 * Aborts, with the signal's name, at the first signal that asks for the end; another one, later, ends this
 * process at once. SIGHUP comes when the terminal is closed.
 */
function stopOnSignals(): AbortSignal {
  const controller = new AbortController();
  let firstMs = 0;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    if (signal === "SIGTERM" && Deno.build.os === "windows") continue;
    Deno.addSignalListener(signal, () => {
      if (!controller.signal.aborted) {
        firstMs = performance.now();
        controller.abort(signal);
      } else if (performance.now() - firstMs > SAME_WISH_MS) Deno.exit(SIGNAL_EXITS[signal]);
    });
  }
  return controller.signal;
}

async function chooseCluster(isLocal: boolean): Promise<RunCluster> {
  if (isLocal) return runLocally;
  const fault = await dockerFault();
  if (fault === undefined) return runInContainers;
  console.log(`${fault}: servers and clients run as processes of this machine`);
  return runLocally;
}

/** Makes sample bets where there are none at all. */
async function provideBets(root: string, { lottery }: Agreement): Promise<void> {
  const folder = datasetFolder(root, lottery.dataset);
  const present = await presentBetsFiles(folder, lottery.clients);
  if (present.length === lottery.clients) return;
  if (present.length > 0) {
    const missing = betsFiles(folder, lottery.clients).filter((path) => !present.includes(path));
    throw new TaskError(
      `Cannot start ${lottery.clients} clients: ${
        missing.join(", ")
      } missing, though other agencies' ` +
        `bets are there. Add what is missing, or lower CLIENTS and AGENCIES_AMOUNT, or name another folder in ` +
        `DATASET. Sample bets for all, written over those that are there: ${TASK} dataset --force`,
    );
  }
  // A misspelt path must not lead to a draw of invented bets.
  if (lottery.dataset.startsWith("/") && await unlessNotFound(Deno.stat(folder)) === undefined) {
    throw new TaskError(
      `There is no folder ${folder}, which DATASET names: mend it in .env, or have sample bets made there: ` +
        `${TASK} dataset`,
    );
  }
  const sizes = await writeSample(folder, { agencies: lottery.clients });
  const bets = sizes.reduce((sum, size) => sum + size, 0);
  console.log(`${lottery.dataset}: there were no bets, so ${bets} sample bets were made`);
}

async function provideComposeFile(root: string, { lottery }: Agreement): Promise<void> {
  if (!await updateComposeFile(root, lottery)) return;
  const { servers, clients } = lottery;
  console.log(`docker-compose.yaml: written anew, for ${servers} servers and ${clients} clients`);
}

/** Puts a finished draw into the archive; one that is not finished stays. */
async function prepareVolume(root: string, { lottery }: Agreement): Promise<void> {
  const volume = volumeOf(root);
  await Deno.mkdir(volume, { recursive: true });
  await assertWritable(volume);
  const interrupted = await finishArchive(volume);
  if (interrupted !== undefined) console.log(`The draw before is now whole in ${interrupted}`);
  const agencies = await recordedAgencies(volume) ?? lottery.clients;
  if (await isDrawFinished(volume, agencies)) {
    console.log(`The draw before was put into server/shared-volume/${await archive(volume)}`);
  } else if (!await isVolumeEmpty(volume)) {
    await assertCanGoOn(volume, { root, lottery });
    console.log("The draw before was not finished: going on with it");
  }
  await recordAgencies(volume, lottery.clients);
}

async function assertCanGoOn(
  volume: string,
  { root, lottery }: { root: string; lottery: LotterySettings },
): Promise<void> {
  const folder = datasetFolder(root, lottery.dataset);
  const fault = await continuationFault(volume, { folder, agencies: lottery.clients });
  if (fault === undefined) return;
  throw new TaskError(
    `Cannot go on with the draw that was not finished: ${fault}. Put CLIENTS, DATASET and the bets back as ` +
      `they were, or put the draw into the archive and begin anew: ${TASK} reset`,
  );
}

async function report(
  { agreement, watch, printer, ends, root }: {
    agreement: Agreement;
    watch: RunWatch;
    printer: Printer;
    ends: ServerEnds;
    root: string;
  },
): Promise<number> {
  const tallies = await tallyBets(volumeOf(root), agreement.server.winningNumber);
  const { table, faults } = reportRun({
    clients: watch.clients,
    tallies,
    elapsedMs: watch.elapsedMs,
  });
  for (const name of serviceNames(agreement.lottery).servers) {
    const exitCode = ends.get(name);
    if (exitCode !== 0) faults.push(`${name} ended with exit code ${exitCode ?? "unknown"}`);
  }
  printer.say("");
  for (const line of table) printer.say(line);
  printer.say("");
  if (faults.length === 0) {
    printer.say("All bets are stored, and every agency knows its winners");
    return 0;
  }
  printer.say("Something is amiss:");
  for (const fault of faults) printer.say(`  - ${fault}`);
  return 1;
}

if (import.meta.main) Deno.exit(await runTask(run));
