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
import { type Check, type Finding, formatFinding, runCheck } from "./doctor/finding.ts";
import {
  checkDocker,
  checkOpenFiles,
  checkProcessor,
  checkSettings,
  checkSubnet,
  judgeDeno,
  judgeSettingsError,
} from "./doctor/host_check.ts";
import { checkLock } from "./doctor/lock_check.ts";
import { makeScratch } from "./doctor/scratch.ts";
import { PROJECT_ROOT, TASK, TaskError } from "./project.ts";
import { assertWritable } from "./run/ledger_archive.ts";
import { readLotterySettings, type Subnet } from "./run/lottery_settings.ts";

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

/** Prints findings, and records whether one of them is a fault. */
class Report {
  hasFault = false;

  add(name: string, finding: Finding): void {
    console.log(formatFinding(name, finding));
    if (finding.level === "fault") this.hasFault = true;
  }

  async run(name: string, check: Check): Promise<void> {
    this.add(name, await runCheck(check));
  }
}

/** Checks a volume with a scratch folder in it, which is removed again. */
async function checkVolume(volume: string, report: Report): Promise<void> {
  let scratch;
  try {
    scratch = makeScratch(volume);
  } catch (error) {
    report.add("volume", judgeUnwritable(volume, error as Error));
    return;
  }
  using _removed = scratch;
  const { path, parent } = scratch;
  await report.run("volume", () => checkFiles(volume, parent));
  await report.run("lock", () => checkLock(path));
  await report.run("disk", () => checkDisk(path));
  await report.run("space", () => checkSpace(path));
}

/** Judges a volume in which no folder can be made. */
function judgeUnwritable(volume: string, error: Error): Finding {
  const advice = error instanceof Deno.errors.PermissionDenied
    ? "give it to the user who runs the servers"
    : /^Read-only file system/.test(error.message)
    ? "mount it for writing"
    : /^No space left/.test(error.message)
    ? "make room"
    : "fix that";
  const text =
    `${volume} cannot be written (${error.message}): ${advice}, or name another folder ` +
    "with --volume or SHARED_VOLUME";
  return { level: "fault", text };
}

/** Checks the files of the ledger. `parent` is the folder that the other checks use. */
async function checkFiles(volume: string, parent: string): Promise<Finding> {
  if (parent !== (volume.replace(/\/+$/, "") || "/")) {
    return { level: "ok", text: `${volume} does not exist yet: checked ${parent} instead` };
  }
  try {
    await assertWritable(volume);
  } catch (error) {
    if (error instanceof TaskError) return { level: "fault", text: error.message };
    throw error;
  }
  return { level: "ok", text: volume };
}

/** Reads the server's settings. Returns nothing if they are invalid, which is then reported. */
function settingsOfServer(report: Report): ServerSettings | undefined {
  try {
    return readServerSettings();
  } catch (error) {
    report.add("server", judgeSettingsError(error));
  }
}

/** Reads the subnet of the containers. Returns nothing if the settings, checked before, are invalid. */
function containerSubnet(): Subnet | undefined {
  try {
    const readFile = (path: string) => {
      try {
        return Deno.readTextFileSync(path);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
        return Deno.readTextFileSync(`${path}.example`);
      }
    };
    return readLotterySettings({ readFile }).subnet;
  } catch (error) {
    if (error instanceof SettingsError) return undefined;
    throw error;
  }
}

async function run(flags: { volume?: string }): Promise<number> {
  if (flags.volume === "") throw new UsageError("--volume is empty: give a folder");
  const report = new Report();
  await report.run("deno", () => judgeDeno(Deno.version.deno));
  await report.run("processor", checkProcessor);
  await report.run("settings", () => checkSettings(PROJECT_ROOT));
  await report.run("docker", checkDocker);
  const subnet = containerSubnet();
  if (subnet !== undefined) await report.run("subnet", () => checkSubnet(subnet));
  const settings = settingsOfServer(report);
  if (settings !== undefined) {
    await report.run("broadcast", () => checkBroadcast(settings));
    await report.run("open files", () => checkOpenFiles(settings));
  }
  const volume = flags.volume ?? settings?.sharedVolume;
  if (volume !== undefined) await checkVolume(volume, report);
  return report.hasFault ? 1 : 0;
}

if (import.meta.main) {
  const options = { volume: { type: "string" } } as const;
  Deno.exit(await runCommand({ usage: USAGE, options, run }));
}
