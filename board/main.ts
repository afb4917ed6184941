/**
 * The board: shows the lottery to everyone who opens its page.
 *
 * @module
 */

import { handleArguments } from "../shared/command_line.ts";
import { SettingsError } from "../shared/config.ts";
import { withDeadline } from "../shared/deadline.ts";
import { type ActionLog, LineWriter, openLog, SERVER_LEVELS } from "../shared/logging.ts";
import { askStatus, LotteryWatch } from "../shared/status/lottery_watch.ts";
import { Board } from "./board.ts";
import { DrawRecords } from "./draw_records.ts";
import { EventStreams } from "./event_stream.ts";
import { ServerDirectory } from "./server_directory.ts";
import { type BoardSettings, readBoardSettings } from "./settings.ts";
import { BOARD_USAGE } from "./usage.ts";
import { Website } from "./website.ts";

const EXIT_FAILURE = 1;
const EXIT_SETTINGS = 2;
const FLUSH_MS = 100;
const STOP_DEADLINE_MS = 500;

const writer = new LineWriter(Deno.stdout);

/** Shows the lottery until a signal arrives. */
async function show(settings: BoardSettings, log: ActionLog): Promise<void> {
  const { servers: entries, betsExpected, draws: folder, documents } = settings;
  const directory = new ServerDirectory({ entries });
  const client = settings.statusCa === undefined ? undefined : clientTrusting(settings.statusCa);
  const watch = new LotteryWatch({
    addresses: () => directory.list(),
    betsExpected,
    ask: (address) => askStatus(address, client),
  });
  const records = new DrawRecords({ folder, documents });
  const board = new Board({ look: () => watch.look(), records, log });
  const streams = new EventStreams(board);
  const website = new Website({ streams, records, language: settings.language });
  const stop = stopSignal();
  const server = Deno.serve({
    hostname: settings.ip,
    port: settings.port,
    onListen: ({ hostname: ip, port }) => log.info("listen", "success", { ip, port }),
  }, (request) => website.answer(request));
  // A look that is under way, and browsers that read slowly, must not keep the board from ending in time.
  await Promise.race([board.run(stop), aborted(stop)]);
  streams.close();
  const error = () => new Error("a browser still reads");
  await withDeadline(server.shutdown(), { timeoutMs: STOP_DEADLINE_MS, error }).catch(() => {});
}

/** Returns a client of HTTPS that trusts the authorities in a file. */
function clientTrusting(path: string): Deno.HttpClient {
  try {
    return Deno.createHttpClient({ caCerts: [Deno.readTextFileSync(path)] });
  } catch (cause) {
    const { message } = cause as Error;
    throw new Error(`Cannot use BOARD_STATUS_CA, ${path}: ${message}`, { cause });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}

/** Returns a signal that aborts on SIGTERM or SIGINT. A second one ends the process at once. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const handle = () => {
    if (controller.signal.aborted) Deno.exit(EXIT_FAILURE);
    controller.abort();
  };
  Deno.addSignalListener("SIGINT", handle);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", handle);
  return controller.signal;
}

async function main(): Promise<number> {
  let log = openLog({ levels: SERVER_LEVELS, level: "INFO", sink: writer.write });
  try {
    const settings = readBoardSettings();
    const { logFormat: format } = settings;
    writer.format = format;
    log = openLog({ levels: SERVER_LEVELS, level: "INFO", format, sink: writer.write });
    await show(settings, log);
    log.info("shutdown", "success");
    return 0;
  } catch (error) {
    if (error instanceof SettingsError) {
      console.error(error.message);
      return EXIT_SETTINGS;
    }
    log.critical("start", "fail", { error: (error as Error).message });
    return EXIT_FAILURE;
  }
}

if (import.meta.main) {
  const exitCode = handleArguments(Deno.args, BOARD_USAGE) ?? await main();
  await writer.flush(FLUSH_MS);
  Deno.exit(exitCode);
}
