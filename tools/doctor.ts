/**
 * `deno task doctor`: reports whether this machine can run the lottery, and what to do if it
 * cannot.
 *
 * @module
 */

import { readClientSettings } from "../client/settings.ts";
import { parseYaml } from "../client/yaml.ts";
import type { ServerSettings } from "../server/settings.ts";
import { SettingsError } from "../shared/config.ts";
import { runCommand, UsageError } from "./command.ts";
import { checkBroadcast } from "./doctor/broadcast_check.ts";
import { checkDisk, checkSpace } from "./doctor/disk_check.ts";
import {
  type Check,
  doctorReport,
  type Finding,
  formatFinding,
  runCheck,
} from "./doctor/finding.ts";
import {
  checkDocker,
  checkOpenFiles,
  checkProcessor,
  checkSettings,
  checkSubnet,
  judgeDeno,
} from "./doctor/host_check.ts";
import { checkKeys, checkTls } from "./doctor/gate_check.ts";
import { checkLedgerNodes } from "./doctor/ledger_check.ts";
import { checkLock } from "./doctor/lock_check.ts";
import { makeScratch } from "./doctor/scratch.ts";
import { type DoctorReport, JSON_FLAG, printJson } from "./json_reports.ts";
import { NODES_FOLDER } from "./nodes/nodes.ts";
import { PROJECT_ROOT, TASK, TaskError } from "./project.ts";
import { assertWritable } from "./record/ledger_archive.ts";
import { LEDGER_FLAG, LEDGER_FORMS } from "./run/ledger_choice.ts";
import { isOnStreams, readToolLedger, type ToolLedger } from "./streams/tool_ledger.ts";
import { readLotterySettings, type Subnet } from "./run/lottery_settings.ts";

const USAGE =
  `Reports whether this machine can run the lottery: one line for each check, with what to do about a fault.

Usage: ${TASK} doctor [--volume DIR | --ledger LEDGER] [--json]

  --volume   the folder of the ledger (default: the server's SHARED_VOLUME)
  --ledger   the ledger, if it is not that of LEDGER in the environment, .env or server/config.ini:
             ${LEDGER_FORMS}
             Of nodes, LEDGER_MONITORING names the monitoring ports if they are not 8222 of the same hosts
  --json     print one JSON object when all checks are done: docs/json.md describes it
  --help     show this text

  ok       no problem
  warning  the lottery runs, but worse than it could
  fault    the lottery does not run, or is unreliable
  note     information

Servers may be running. Everything that a check writes to the volume is removed again.

Exit code: 0 if there is no fault, 1 if there is one, 2 for a wrong argument.`;

/** Prints findings as they come, or keeps them for a report in JSON. */
class Report {
  readonly #isJson: boolean;
  readonly #checks: DoctorReport["checks"] = [];

  constructor({ isJson }: { isJson: boolean }) {
    this.#isJson = isJson;
  }

  add(name: string, finding: Finding): void {
    this.#checks.push({ name, ...finding });
    if (!this.#isJson) console.log(formatFinding(name, finding));
  }

  /** Ends the report. Returns the exit code. */
  end(): number {
    const report = doctorReport(this.#checks);
    if (this.#isJson) printJson(report);
    return report.exitCode;
  }

  async run(name: string, check: Check): Promise<void> {
    this.add(name, await runCheck(check));
  }
}

/**
 * Checks a volume with a scratch folder in it, which is removed again.
 *
 * @param options `hasFiles`: whether it holds a ledger in files, which needs locks. @default {true}
 */
async function checkVolume(
  volume: string,
  report: Report,
  { hasFiles = true }: { hasFiles?: boolean } = {},
): Promise<void> {
  let scratch;
  try {
    scratch = makeScratch(volume);
  } catch (error) {
    report.add("volume", judgeUnwritable(volume, error as Error));
    return;
  }
  using _removed = scratch;
  const { path, parent } = scratch;
  if (hasFiles) {
    await report.run("volume", () => checkFiles(volume, parent));
    await report.run("lock", () => checkLock(path));
  }
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

/** Finds the ledger, with the server's settings. Returns nothing if they are invalid, which is then reported. */
function ledgerOfServer(
  { ledger: flag }: Pick<Flags, "ledger">,
  report: Report,
): ToolLedger | undefined {
  try {
    return readToolLedger({ flag, action: "check the ledger" });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    report.add("server", { level: "fault", text: error.message });
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

/** Checks the ledger: its volume, or its nodes. */
async function checkLedger(ledger: ToolLedger, report: Report): Promise<void> {
  if (!isOnStreams(ledger)) return await checkVolume(ledger.server.sharedVolume, report);
  if (ledger.choice.kind === "nodes") await checkVolume(NODES_FOLDER, report, { hasFiles: false });
  const monitoring = Deno.env.get("LEDGER_MONITORING");
  for (const { name, ...finding } of await checkLedgerNodes(ledger, monitoring)) {
    report.add(name, finding);
  }
}

/** Checks the certificates and keys that a server's settings name. */
async function checkGate({ tls, statusTls, agencyKeys, agencies }: ServerSettings, report: Report) {
  if (tls !== undefined) await report.run("tls", () => checkTls(tls, demandedName()));
  if (statusTls !== undefined) {
    await report.run("status tls", () => checkTls(statusTls, undefined));
  }
  if (agencyKeys !== undefined) await report.run("keys", () => checkKeys(agencyKeys, agencies));
}

/** The name that the clients of this machine's settings demand of servers; nothing if these are invalid. */
function demandedName(): string | undefined {
  const environment = (name: string) =>
    ({ CLI_ID: "1", CLI_CONFIG: `${PROJECT_ROOT}/client/config.yaml` })[name] ?? Deno.env.get(name);
  try {
    const { host, tls } = readClientSettings({ environment, parseYaml });
    return tls?.name ?? host;
  } catch (error) {
    if (error instanceof SettingsError) return undefined;
    throw error;
  }
}

/** The values of the flags. */
interface Flags {
  volume?: string;
  ledger?: string;
  json: boolean;
}

async function run(flags: Flags): Promise<number> {
  if (flags.volume !== undefined && flags.ledger !== undefined) {
    throw new UsageError("--volume and --ledger exclude each other");
  }
  if (flags.volume === "") throw new UsageError("--volume is empty: give a folder");
  const report = new Report({ isJson: flags.json });
  await report.run("deno", () => judgeDeno(Deno.version.deno));
  await report.run("processor", checkProcessor);
  await report.run("settings", () => checkSettings(PROJECT_ROOT));
  await report.run("docker", checkDocker);
  const subnet = containerSubnet();
  if (subnet !== undefined) await report.run("subnet", () => checkSubnet(subnet));
  const ledger = ledgerOfServer(flags, report);
  if (ledger !== undefined) {
    // Nodes of JetStream tell servers of the draw; files need a broadcast.
    if (!isOnStreams(ledger)) await report.run("broadcast", () => checkBroadcast(ledger.server));
    await report.run("open files", () => checkOpenFiles(ledger.server));
    await checkGate(ledger.server, report);
  }
  if (flags.volume !== undefined) await checkVolume(flags.volume, report);
  else if (ledger !== undefined) await checkLedger(ledger, report);
  return report.end();
}

if (import.meta.main) {
  const options = { volume: { type: "string" }, ...LEDGER_FLAG, ...JSON_FLAG } as const;
  Deno.exit(await runCommand({ usage: USAGE, options, run }));
}
