/**
 * One server of the lottery. It reads its settings, opens the ledger, serves, and stops when told to.
 *
 * @module
 */

import { SettingsError } from "../shared/config.ts";
import { type ActionLog, LineWriter, openLog, SERVER_LEVELS } from "../shared/logging.ts";
import { FolderDisk } from "./ledger/file/disk.ts";
import { type FileLedgerOptions, openFileLedger } from "./ledger/file/file_ledger.ts";
import { type Ledger, LedgerError } from "./ledger/ledger.ts";
import { DamagedRowError } from "./ledger/file/tally.ts";
import { Server } from "./server.ts";
import { readServerSettings, type ServerSettings } from "./settings.ts";

/** A disk or a peer that hangs must not keep the server from ending in time. */
const STOP_DEADLINE_MS = 1900;
const FLUSH_MS = 100;

const writer = new LineWriter(Deno.stdout);

async function serve(settings: ServerSettings, log: ActionLog): Promise<number> {
  log.info("config", "success", {
    port: settings.port,
    agencies: settings.agencies,
    winning_number: settings.winningNumber,
    shared_volume: settings.sharedVolume,
    log_level: settings.logLevel,
  });
  const stopped = Promise.withResolvers<number>();
  const ledger = await openLedger(settings.sharedVolume, {
    agencies: settings.agencies,
    winningNumber: settings.winningNumber,
    log,
    onFailure: (error) => {
      log.critical("ledger", "fail", { error: error.message });
      stopped.resolve(1);
    },
  });
  const server = new Server(settings, ledger, log);
  onStopSignal(() => stopped.resolve(0));
  log.info("listen", "success", { ip: settings.listenIp, port: server.port });
  server.run();
  const exitCode = await stopped.promise;
  const deadline = setTimeout(() => end(exitCode, log), STOP_DEADLINE_MS);
  await server.stop();
  clearTimeout(deadline);
  return exitCode;
}

/** Opens the ledger in a folder; what the system says where it cannot, is told with what to do. */
async function openLedger(folder: string, options: FileLedgerOptions): Promise<Ledger> {
  try {
    return await openFileLedger(new FolderDisk(folder), options);
  } catch (cause) {
    if (cause instanceof LedgerError || cause instanceof DamagedRowError) throw cause;
    const { message } = cause as Error;
    throw new Error(
      `Cannot use the volume ${folder}: ${message}. Try its disk and its locks with deno task doctor`,
      { cause },
    );
  }
}

/** Calls `stop` at the first SIGTERM or SIGINT; the second ends the process at once. */
function onStopSignal(stop: () => void): void {
  let isStopping = false;
  const handle = () => {
    if (isStopping) Deno.exit(1);
    isStopping = true;
    stop();
  };
  Deno.addSignalListener("SIGINT", handle);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", handle);
}

async function end(exitCode: number, log: ActionLog): Promise<never> {
  if (exitCode === 0) log.info("shutdown", "success");
  else log.critical("shutdown", "fail", { exit_code: exitCode });
  await writer.flush(FLUSH_MS);
  Deno.exit(exitCode);
}

async function main(): Promise<void> {
  let log = openLog({ levels: SERVER_LEVELS, level: "INFO", sink: writer.write });
  let exitCode: number;
  try {
    const settings = readServerSettings();
    log = openLog({ levels: SERVER_LEVELS, level: settings.logLevel, sink: writer.write });
    exitCode = await serve(settings, log);
  } catch (error) {
    exitCode = error instanceof SettingsError ? 2 : 1;
    if (error instanceof SettingsError) console.error(error.message);
    else log.critical("start", "fail", { error: (error as Error).message });
  }
  await end(exitCode, log);
}

if (import.meta.main) await main();
