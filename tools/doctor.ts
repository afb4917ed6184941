/**
 * `deno task doctor`: reports whether this machine can run the lottery, and what to do if it
 * cannot.
 *
 * @module
 */

import { readServerSettings, type ServerSettings } from "../server/settings.ts";
import { SettingsError } from "../shared/config.ts";
import { runCommand, UsageError } from "./command.ts";
import { checkBroadcast } from "./doctor/broadcast_check.ts";
import { checkDisk, checkSpace } from "./doctor/disk_check.ts";
import { type Check, type Finding, formatFinding, runCheck, within } from "./doctor/finding.ts";
import { checkOpenFiles, judgeDeno } from "./doctor/host_check.ts";
import { checkLock } from "./doctor/lock_check.ts";
import { makeScratch, type Scratch } from "./doctor/scratch.ts";
import { checkSettings, judgeSettings } from "./doctor/settings_check.ts";
import { PROJECT_ROOT, TASK, TaskError } from "./project.ts";
import { dockerFault } from "./run/docker.ts";
import { assertWritable } from "./run/ledger_archive.ts";

const USAGE =
  `Reports whether this machine can run the lottery: one line for each check, with what to do about a fault.

Usage: ${TASK} doctor [--volume DIR]

  --volume   the folder of the ledger (default: the server's SHARED_VOLUME)
  --help     show this text

  ok       no problem
  warning  the lottery runs, but worse than it could
  fault    the lottery does not run, or is unreliable
  note     information

Servers may be running. Everything that a check writes to the volume is removed again.

Exit code: 0 if there is no fault, 1 if there is one, 2 for a wrong argument.`;

const DOCKER_TIMEOUT_MS = 15_000;

/** The checks that need no settings of the server. */
function hostChecks(): Check[] {
  return [
    { name: "deno", run: () => judgeDeno(Deno.version.deno) },
    { name: "settings", run: () => checkSettings(PROJECT_ROOT) },
    { name: "docker", run: checkDocker },
  ];
}

function settingsChecks(settings: ServerSettings): Check[] {
  return [
    { name: "broadcast", run: () => checkBroadcast(settings) },
    { name: "open files", run: () => checkOpenFiles(settings) },
  ];
}

function volumeChecks(folder: string): Check[] {
  return [
    { name: "lock", run: () => checkLock(folder) },
    { name: "disk", run: () => checkDisk(folder) },
    { name: "space", run: () => checkSpace(folder) },
  ];
}

async function checkDocker(): Promise<Finding> {
  const fault = await within(dockerFault(), {
    timeoutMs: DOCKER_TIMEOUT_MS,
    message: "its engine does not answer",
  }).catch((error: Error) => error.message);
  const text = fault === undefined
    ? `usable: ${TASK} up takes containers`
    : `not usable (${fault}): ${TASK} up takes processes on this host`;
  return { level: "note", text };
}

/** Checks the volume with a folder for scratch in it, which is removed again. */
async function checkVolume(volume: string, report: Report): Promise<void> {
  let scratch;
  try {
    scratch = makeScratch(volume);
  } catch (error) {
    report.add("volume", judgeUnwritable(volume, error as Error));
    return;
  }
  using kept = scratch;
  await report.run([
    { name: "volume", run: () => checkFiles(volume, kept) },
    ...volumeChecks(kept.path),
  ]);
}

/** What to do about a volume in which nothing can be made. */
function judgeUnwritable(volume: string, error: Error): Finding {
  const advice = error instanceof Deno.errors.PermissionDenied
    ? "give it to the user who runs the servers"
    : /^Read-only file system/.test(error.message)
    ? "mount it for writing"
    : /^No space left/.test(error.message)
    ? "make room"
    : "mend that";
  const text =
    `${volume} cannot be written (${error.message}): ${advice}, or name another folder ` +
    "with --volume or SHARED_VOLUME";
  return { level: "fault", text };
}

async function checkFiles(volume: string, { parent }: Scratch): Promise<Finding> {
  if (parent !== (volume.replace(/\/+$/, "") || "/")) {
    return { level: "ok", text: `${volume} is not there yet: tried in ${parent}` };
  }
  try {
    await assertWritable(volume);
  } catch (error) {
    if (error instanceof TaskError) return { level: "fault", text: error.message };
    throw error;
  }
  return { level: "ok", text: volume };
}

/** Prints findings, and remembers whether one of them is a fault. */
class Report {
  hasFault = false;

  add(name: string, finding: Finding): void {
    console.log(formatFinding(name, finding));
    if (finding.level === "fault") this.hasFault = true;
  }

  async run(checks: readonly Check[]): Promise<void> {
    for (const check of checks) this.add(check.name, await runCheck(check));
  }
}

/** The settings of a server; nothing if they are faulty, which is then reported. */
function settingsOfServer(report: Report): ServerSettings | undefined {
  try {
    return readServerSettings();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    report.add(
      "server",
      judgeSettings(() => {
        throw error;
      }),
    );
  }
}

async function run(flags: { volume?: string }): Promise<number> {
  if (flags.volume === "") throw new UsageError("--volume is empty: give a folder");
  const report = new Report();
  await report.run(hostChecks());
  const settings = settingsOfServer(report);
  if (settings !== undefined) await report.run(settingsChecks(settings));
  const volume = flags.volume ?? settings?.sharedVolume;
  if (volume !== undefined) await checkVolume(volume, report);
  return report.hasFault ? 1 : 0;
}

if (import.meta.main) {
  const options = { volume: { type: "string" } } as const;
  Deno.exit(await runCommand({ usage: USAGE, options, run }));
}
