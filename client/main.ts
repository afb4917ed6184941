/**
 * The command line of a client: one agency of the lottery.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { SettingsError } from "../shared/config.ts";
import { type ActionLog, CLIENT_LEVELS, LineWriter, openLog } from "../shared/logging.ts";
import { Agency, RefusedError } from "./agency.ts";
import { BetFile, BetFileError, betFilePath } from "./bet_source.ts";
import { ProgressBar, ProgressLines } from "./progress_bar.ts";
import { Servers, UnreachableError } from "./servers.ts";
import { type ClientSettings, readBet, readClientSettings } from "./settings.ts";
import { VERSION } from "./version.ts";

const USAGE = `lottery-client: one agency of the national lottery.

Usage: lottery-client [COMMAND] [FLAGS]

Without a command it does an agency's whole work: it sends the bets of the agency's file that the servers have
not stored yet, closes the agency, waits for the draw and prints the winners. It may be stopped and started
again at any time: no bet is lost or stored twice.

Commands:
  bet        sends one bet: --nombre Ana --apellido Gil --documento 30123456 --nacimiento 1990-12-31
             --numero 7574, or NOMBRE, APELLIDO, DOCUMENTO, NACIMIENTO and NUMERO in the environment
  close      closes the agency
  winners    waits for the draw and prints the winners
  progress   prints how many bets of the agency are stored

Settings: a flag, else the environment, else the file (name in it), else the default.
  --id N             CLI_ID               id               the agency's number, required
  --address H:P      CLI_SERVER_ADDRESS   server.address   the servers' name and port, required
  --data PATH        CLI_DATA             data             file of bets, or folder of agency-N.csv [data]
  --batch-size N     CLI_BATCH_SIZE       batch_size       most bets in a packet [100]
  --log-level L      CLI_LOG_LEVEL        log.level        debug, info, warn, error, fatal [info]
                     CLI_BATCH_BYTES_MAX  batch_bytes_max  longest packet, in bytes [8192]
                     CLI_ANSWER_SECONDS   answer_seconds   longest wait for an answer [10]
                     CLI_RETRY_SECONDS    retry_seconds    gives up when nothing worked for so long [60]
                     CLI_WINNERS_SECONDS  winners_seconds  asks for the winners anew after so long [60]
  --config FILE      CLI_CONFIG                            the file [config.yaml, else client/config.yaml]
  --help, --version

Examples:
  lottery-client --id 1 --address server:12345 --data data
  lottery-client winners --id 1 --address server:12345
  CLI_ID=1 CLI_LOG_LEVEL=debug lottery-client

A file of bets is CSV: first name, last name, document, birthdate YYYY-MM-DD, number 0 to 9999. It is checked
entirely before anything is sent.

Exit codes: 0 done; 1 unexpected failure; 2 wrong usage or settings; 3 bad bets (the file and line are named);
4 refused by the servers; 5 servers unreachable or silent; 130, 143 stopped by a signal: start it again to go on.`;

const COMMANDS = ["bet", "close", "winners", "progress"] as const;
type Command = (typeof COMMANDS)[number] | "run";

/** The flags, and the variables of the environment that they override. */
const FLAGS = {
  id: "CLI_ID",
  address: "CLI_SERVER_ADDRESS",
  data: "CLI_DATA",
  "batch-size": "CLI_BATCH_SIZE",
  "log-level": "CLI_LOG_LEVEL",
  config: "CLI_CONFIG",
  nombre: "NOMBRE",
  apellido: "APELLIDO",
  documento: "DOCUMENTO",
  nacimiento: "NACIMIENTO",
  numero: "NUMERO",
} as const;

/** Longest time to wait, at the end, for who reads the log. */
const FLUSH_TIMEOUT_MS = 5000;
const EXIT_UNEXPECTED = 1;
const EXIT_USAGE = 2;
/** What went wrong, and the exit code that tells it. */
const EXIT_CODES = [
  [BetFileError, 3],
  [RefusedError, 4],
  [UnreachableError, 5],
] as const;
/** The signals that stop the program, and its exit codes. Windows does not know the second. */
const SIGNALS: readonly [Deno.Signal, number][] = Deno.build.os === "windows"
  ? [["SIGINT", 130]]
  : [["SIGINT", 130], ["SIGTERM", 143]];

/** Where a run writes to: its log on stdout, and a bar on stderr where that is a terminal. */
class Output {
  readonly log: ActionLog;
  bar: ProgressBar | undefined;
  readonly #writer = new LineWriter(Deno.stdout);

  constructor(logLevel: string) {
    // On one terminal, a line must be there before the bar is drawn again below it.
    const sink = Deno.stdout.isTerminal()
      ? (line: string) => {
        this.bar?.hide();
        writeAll(Deno.stdout, `${line}\n`);
      }
      : this.#writer.write;
    this.log = openLog({ levels: CLIENT_LEVELS, level: logLevel, sink });
  }

  async exit(code: number): Promise<never> {
    this.bar?.hide();
    await this.#writer.flush(FLUSH_TIMEOUT_MS);
    Deno.exit(code);
  }
}

function writeAll(sink: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let bytes: Uint8Array = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(sink.writeSync(bytes));
}

const STDERR_TERMINAL = {
  write: (text: string) => writeAll(Deno.stderr, text),
  columns: () => Deno.consoleSize().columns || 80,
};

async function runAgency(
  agency: Agency,
  settings: ClientSettings,
  output: Output,
): Promise<void> {
  const { batchBytesMax: bytesMax, batchSize: betsMax, data } = settings;
  using bets = await BetFile.open(await betFilePath(data, settings.agency));
  const total = await bets.check();
  const options = { agency: settings.agency, total };
  if (Deno.stderr.isTerminal()) output.bar = new ProgressBar(STDERR_TERMINAL, options);
  const progress = output.bar ?? new ProgressLines(output.log, options);
  await agency.run({ total, read: () => bets.read() }, { betsMax, bytesMax, progress });
}

async function tellProgress(agency: Agency, id: number, log: ActionLog): Promise<void> {
  const stored = await agency.progress();
  if (stored === undefined) throw new RefusedError("Cannot tell progress: the servers do not");
  log.info("progress", "success", { agency: id, cantidad: stored });
}

type Flags = Record<string, string | undefined>;

async function runCommand(
  command: Command,
  settings: ClientSettings,
  { flags, output }: { flags: Flags; output: Output },
): Promise<void> {
  const { log } = output;
  using servers = new Servers({ ...settings, log });
  const agency = new Agency({ ...settings, servers, log });
  switch (command) {
    case "run":
      return await runAgency(agency, settings, output);
    case "bet":
      return await agency.sendBet(readBet({ flags }));
    case "close":
      return await agency.close();
    case "winners":
      return void await agency.awaitWinners();
    case "progress":
      return await tellProgress(agency, settings.agency, log);
  }
}

/** What the command line says; ends the program where it asks for no more than a text. */
function readCommandLine(args: string[]): { command: Command; flags: Flags } {
  const options = Object.fromEntries(
    Object.keys(FLAGS).map((name) => [name, { type: "string" as const }]),
  );
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...options,
      help: { type: "boolean", short: "h" },
      version: { type: "boolean" },
    },
  });
  if (values.help || values.version) {
    console.log(values.help ? USAGE : VERSION);
    Deno.exit(0);
  }
  const command = COMMANDS.find((name) => name === positionals[0]);
  const surplus = positionals.slice(command === undefined ? 0 : 1);
  if (surplus.length > 0) {
    throw new TypeError(`Unknown command '${surplus[0]}': give one of ${COMMANDS.join(", ")}`);
  }
  const flags = Object.entries(FLAGS).map(([flag, name]) => [
    name,
    (values as Record<string, string | undefined>)[flag],
  ]);
  return { command: command ?? "run", flags: Object.fromEntries(flags) };
}

function stopOnSignals(output: Output): void {
  for (const [signal, code] of SIGNALS) {
    Deno.addSignalListener(signal, () => {
      const how = "start it again to go on from the first bet that is not stored";
      output.log.info("shutdown", "success", { signal, reason: how });
      void output.exit(code);
    });
  }
}

function exitCodeOf(error: unknown): number {
  return EXIT_CODES.find(([type]) => error instanceof type)?.[1] ?? EXIT_UNEXPECTED;
}

/** Tells on stderr what is wrong with the command line or the settings, and ends the program. */
function endBeforeStart(error: unknown): never {
  const isExpected = error instanceof SettingsError || error instanceof TypeError;
  console.error(isExpected ? `${error.message}\nlottery-client --help shows all flags.` : error);
  Deno.exit(isExpected ? EXIT_USAGE : EXIT_UNEXPECTED);
}

function start(): { command: Command; flags: Flags; settings: ClientSettings } {
  try {
    const { command, flags } = readCommandLine(Deno.args);
    return { command, flags, settings: readClientSettings({ flags }) };
  } catch (error) {
    return endBeforeStart(error);
  }
}

async function main(): Promise<never> {
  const { command, flags, settings } = start();
  const output = new Output(settings.logLevel);
  stopOnSignals(output);
  const { agency, host, port, logLevel } = settings;
  output.log.info("config", "success", { agency, server: `${host}:${port}`, log_level: logLevel });
  try {
    await runCommand(command, settings, { flags, output });
    return await output.exit(0);
  } catch (error) {
    if (error instanceof SettingsError) return endBeforeStart(error);
    const code = exitCodeOf(error);
    const { message } = error as Error;
    output.log.critical(command, "fail", { agency, error: message });
    if (code === EXIT_UNEXPECTED) console.error(error);
    return await output.exit(code);
  }
}

if (import.meta.main) await main();
