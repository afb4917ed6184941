/**
 * The client's program: one agency of the lottery.
 *
 * @module
 */

import { SettingsError } from "../shared/config.ts";
import type { ActionLog } from "../shared/logging.ts";
import { escapeMessage } from "../shared/readable.ts";
import { warnWithoutVectorInstructions } from "../shared/simd/fallback.ts";
import { Agency } from "./agency.ts";
import { BetFile, betFilePath } from "./bet_file.ts";
import { BetFileError } from "./bet_lines.ts";
import { type Command, type Flags, readCommandLine } from "./command_line.ts";
import { Output } from "./output.ts";
import { parsePlainYaml, UncommonYamlError } from "./plain_yaml.ts";
import { RefusedError } from "./progress_knowledge.ts";
import { ResultFile } from "./result_file.ts";
import { UnreachableError } from "./retry.ts";
import type { Connection } from "./connection.ts";
import { TCP_DIALER, tlsDialer } from "./dialer.ts";
import { Servers } from "./servers.ts";
import { type ClientSettings, readClientSettings } from "./settings.ts";

const EXIT_UNEXPECTED = 1;
const EXIT_USAGE = 2;
/** The expected failures, and their exit codes. */
const EXIT_CODES = [
  [BetFileError, 3],
  [RefusedError, 4],
  [UnreachableError, 5],
] as const;
/** The signals that stop the program, and their exit codes. Windows has no SIGTERM. */
const SIGNALS: readonly [Deno.Signal, number][] = Deno.build.os === "windows"
  ? [["SIGINT", 130]]
  : [["SIGINT", 130], ["SIGTERM", 143]];

/** What the arguments and settings ask for. */
interface Job {
  command: Command;
  flags: Flags;
  settings: ClientSettings;
}

/** Runs the program. Returns its exit code. */
async function main(args: string[]): Promise<number> {
  let job: Job;
  let result: ResultFile;
  try {
    const commandLine = await readCommandLine(args);
    if (typeof commandLine === "string") {
      console.log(commandLine);
      return 0;
    }
    job = { ...commandLine, settings: await readSettings(commandLine.flags) };
    result = new ResultFile(job.settings.result, job.settings.agency);
  } catch (error) {
    return reportUsage(error);
  }
  const output = new Output(job.settings);
  exitOnSignals(output, result);
  const exitCode = await runToEnd(job, output, result);
  await output.flush();
  return result.finish(exitCode);
}

/** Reads the settings. Few files need all of YAML, whose modules take longer to load than everything else. */
async function readSettings(flags: Flags): Promise<ClientSettings> {
  try {
    return readClientSettings({ flags, parseYaml: parsePlainYaml });
  } catch (error) {
    if (!(error instanceof UncommonYamlError)) throw error;
    const { parseYaml } = await import("./yaml.ts");
    return readClientSettings({ flags, parseYaml });
  }
}

/** Runs a job, and reports how it failed. Returns the exit code. */
async function runToEnd(job: Job, output: Output, result: ResultFile): Promise<number> {
  const { agency, host, port, tls, logLevel } = job.settings;
  output.log.info("config", "success", {
    agency,
    server: `${host}:${port}`,
    ...tls && { tls: tls.name },
    log_level: logLevel,
  });
  warnWithoutVectorInstructions(output.log);
  try {
    await run(job, output, result);
    return 0;
  } catch (error) {
    result.reason = (error as Error).message;
    if (error instanceof SettingsError) return reportUsage(error);
    output.log.critical(job.command, "fail", { agency, error: (error as Error).message });
    const exitCode = EXIT_CODES.find(([type]) => error instanceof type)?.[1];
    if (exitCode === undefined) console.error(escapeMessage(Deno.inspect(error)));
    return exitCode ?? EXIT_UNEXPECTED;
  }
}

async function run(job: Job, output: Output, result: ResultFile): Promise<void> {
  const { command, flags, settings } = job;
  const { log } = output;
  const dialer = settings.tls === undefined ? TCP_DIALER : tlsDialer(settings.tls);
  const introduce = await introductionOf(settings);
  using servers = new Servers({ ...settings, dialer, log, ...introduce && { introduce } });
  const agency = new Agency({ ...settings, servers, log });
  switch (command) {
    case "run":
      return await runAgency(agency, settings, { output, result });
    case "bet":
      return await agency.sendBet((await import("./single_bet.ts")).readBet({ flags }));
    case "close":
      return await agency.close();
    case "winners":
      result.winners = await agency.awaitWinners();
      return;
    case "progress":
      result.stored = await logProgress(agency, settings.agency, log);
  }
}

/** Returns how the client proves which agency it is; nothing if the agency has no key. */
async function introductionOf({ agency, readKey }: ClientSettings) {
  if (readKey === undefined) return undefined;
  const { KeyHolder } = await import("./key_holder.ts");
  const holder = new KeyHolder({ agency, readKey });
  return (connection: Connection) => holder.introduce(connection);
}

async function runAgency(
  agency: Agency,
  settings: ClientSettings,
  { output, result }: { output: Output; result: ResultFile },
): Promise<void> {
  const { batchBytesMax: bytesMax, batchSize: betsMax, data } = settings;
  using bets = await BetFile.open(betFilePath(data, settings.agency));
  const report = output.reportProgress({ agency: settings.agency, total: bets.total });
  const progress = result.following(report, bets.total);
  result.winners = await agency.run(bets, { betsMax, bytesMax, progress });
}

async function logProgress(agency: Agency, id: number, log: ActionLog): Promise<number> {
  const stored = await agency.progress();
  if (stored === undefined) {
    throw new RefusedError("Cannot report progress: the servers do not know ProgressRequest");
  }
  log.info("progress", "success", { agency: id, cantidad: stored });
  return stored;
}

function exitOnSignals(output: Output, result: ResultFile): void {
  for (const [signal, exitCode] of SIGNALS) {
    Deno.addSignalListener(signal, async () => {
      const reason = "start it again to resume after the stored bets";
      output.log.info("shutdown", "success", { signal, reason });
      await output.flush();
      result.reason = `stopped by ${signal}`;
      Deno.exit(result.finish(exitCode));
    });
  }
}

/** Reports wrong arguments or settings on stderr. Returns the exit code. */
function reportUsage(error: unknown): number {
  const isExpected = error instanceof SettingsError || error instanceof TypeError;
  const text = isExpected
    ? `${error.message}\nlottery-client --help lists all flags.`
    : Deno.inspect(error);
  console.error(escapeMessage(text));
  return isExpected ? EXIT_USAGE : EXIT_UNEXPECTED;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
