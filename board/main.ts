/**
 * The board: shows the lottery to everyone who opens its page.
 *
 * @module
 */

import { handleArguments } from "../shared/command_line.ts";
import { SettingsError } from "../shared/config.ts";
import { type ActionLog, LineWriter, openLog, SERVER_LEVELS } from "../shared/logging.ts";
import { LotteryWatch } from "../shared/status/lottery_watch.ts";
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

const writer = new LineWriter(Deno.stdout);

/** Shows the lottery until a signal arrives. */
async function show(settings: BoardSettings, log: ActionLog): Promise<void> {
  const { servers: entries, betsExpected, draws: folder, documents } = settings;
  const directory = new ServerDirectory({ entries });
  const watch = new LotteryWatch({ addresses: () => directory.list(), betsExpected });
  const records = new DrawRecords({ folder, documents });
  const board = new Board({ look: () => watch.look(), records, log });
  const streams = new EventStreams(board);
  const website = new Website({ streams, records, language: settings.language });
  const stop = stopSignal();
  await using server = Deno.serve({
    hostname: settings.ip,
    port: settings.port,
    onListen: ({ hostname: ip, port }) => log.info("listen", "success", { ip, port }),
  }, (request) => website.answer(request));
  await board.run(stop);
  streams.close();
  await server.shutdown();
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
