/**
 * One server of the lottery. It reads its settings, opens the ledger, serves, and stops on a signal.
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };
import { SettingsError } from "../shared/config.ts";
import { type ActionLog, LineWriter, openLog, SERVER_LEVELS } from "../shared/logging.ts";
import { warnWithoutVectorInstructions } from "../shared/simd/fallback.ts";
import { readAuditHeads } from "./audit/audit_heads.ts";
import type { AuditLog } from "./audit/audit_log.ts";
import { openAuditLog } from "./audit/open_audit_log.ts";
import { Certifier } from "./certificate/certifier.ts";
import { handleArguments } from "../shared/command_line.ts";
import { FolderDisk } from "./ledger/disk.ts";
import { DrawSignal } from "./ledger/file/draw_signal.ts";
import { FatalLedgerError } from "./ledger/fatal_error.ts";
import { openFileLedger } from "./ledger/file/file_ledger.ts";
import { unixNetwork } from "./ledger/file/handover/unix_network.ts";
import { openJetStreamLedger } from "./ledger/jetstream/engine.ts";
import { BETS_FILE, CLOSED_FILE } from "./ledger/file/volume_files.ts";
import type { Draw, Ledger } from "./ledger/ledger.ts";
import { Server } from "./server.ts";
import { readServerSettings, type ServerSettings } from "./settings.ts";
import { diskSpace } from "./status/disk_space.ts";
import { ServerStatus } from "./status/status_report.ts";
import { StatusServer } from "./status/status_server.ts";
import { SERVER_USAGE } from "./usage.ts";

/** A hanging disk or peer must not keep the server from exiting in time. */
const STOP_DEADLINE_MS = 1900;
const FLUSH_MS = 100;
/** How often a server with a status port checks whether its ledger could store bets. */
const HEARTBEAT_MS = 1000;

const EXIT_FAILURE = 1;
const EXIT_SETTINGS = 2;

const writer = new LineWriter(Deno.stdout);

/** Serves until a signal or a failure of the ledger. Returns the exit code. */
async function serve(settings: ServerSettings, log: ActionLog): Promise<number> {
  log.info("config", "success", {
    port: settings.port,
    agencies: settings.agencies,
    winning_number: settings.winningNumber,
    ...ledgerFields(settings),
    log_level: settings.logLevel,
  });
  warnWithoutVectorInstructions(log);
  const stopped = Promise.withResolvers<number>();
  onStopSignal(() => stopped.resolve(0));
  surviveFileSizeLimit();
  const status = new ServerStatus({
    host: settings.statusPort === undefined ? "" : hostName(),
    pid: Deno.pid,
    version: config.version,
  }, () => performance.now());
  await using _port = openStatusPort(settings, status, log);
  const opening = openLedger(settings, log);
  const ledger = await Promise.race([opening, stopped.promise]);
  // Stopped while it waited for the lock or read the volume: nothing has been promised yet.
  if (typeof ledger === "number") return ledger;
  ledger.failed.then((error) => {
    log.critical("ledger", "fail", { error: error.message });
    stopped.resolve(EXIT_FAILURE);
  });
  const certifier = openCertifier(settings, ledger, log);
  const audit = openAudit(settings, log);
  const onDraw = async (draw: Draw) => {
    // The certificate anchors the line about the draw.
    await audit?.drawn({ lottery: ledger.identity.id, winningNumber: settings.winningNumber });
    certifier?.certify(draw);
  };
  const server = new Server(settings, { ledger, log, audit, onDraw });
  log.info("listen", "success", { ip: settings.listenIp, port: server.port });
  server.run();
  status.serving(server, ledger);
  const exitCode = await stopped.promise;
  status.stopping();
  const deadline = setTimeout(() => end(exitCode, log), STOP_DEADLINE_MS);
  await Promise.all([server.stop(), certifier?.[Symbol.asyncDispose]()]);
  clearTimeout(deadline);
  return exitCode;
}

/** Opens the port of the server's status, if it has one. It answers while the ledger is still being read. */
function openStatusPort(
  { statusIp: ip, statusPort: port, statusTls, ledger, sharedVolume }: ServerSettings,
  status: ServerStatus,
  log: ActionLog,
): StatusServer | undefined {
  if (port === undefined) return undefined;
  const volume = ledger.engine === "files" ? sharedVolume : undefined;
  const server = new StatusServer({
    ip,
    port,
    status,
    tls: statusTls && { files: statusTls, log },
    diskSpace: () => volume === undefined ? undefined : diskSpace(volume),
  });
  log.info("status", "success", { ip, port: server.port });
  return server;
}

/** The name of this host; empty where Deno may not ask for it. */
function hostName(): string {
  try {
    return Deno.hostname();
  } catch {
    return "";
  }
}

/** Where the ledger is, for the log. */
function ledgerFields({ ledger, sharedVolume }: ServerSettings): Record<string, string> {
  if (ledger.engine === "files") return { shared_volume: sharedVolume };
  return { ledger: ledger.nodes.join(","), ledger_name: ledger.name };
}

/** Opens the ledger. This is the one place that knows which engine it is. */
function openLedger(settings: ServerSettings, log: ActionLog): Promise<Ledger> {
  const { ledger, agencies, winningNumber } = settings;
  if (ledger.engine === "files") return openFiles(settings, log);
  return openJetStreamLedger({ settings: ledger, draw: { agencies, winningNumber }, log });
}

async function openFiles(settings: ServerSettings, log: ActionLog): Promise<Ledger> {
  const { broadcastIp: ip, broadcastPort: port, reusePort: shared, sharedVolume } = settings;
  const signal = new DrawSignal({ ip, port, shared, log });
  const { agencies, winningNumber, drawPollMs: pollMs } = settings;
  try {
    const disk = new FolderDisk(sharedVolume);
    const heartbeatMs = settings.statusPort === undefined ? undefined : HEARTBEAT_MS;
    return await openFileLedger(disk, {
      agencies,
      winningNumber,
      log,
      signal,
      pollMs,
      heartbeatMs,
      handover: unixNetwork(sharedVolume),
    });
  } catch (cause) {
    if (cause instanceof FatalLedgerError) throw cause;
    throw new Error(
      `Cannot use the volume ${sharedVolume}: ${(cause as Error).message}. ` +
        "Test its disk and its locks with ./denow task doctor",
      { cause },
    );
  }
}

/** Opens the audit log, if the settings ask for one. */
function openAudit({ audit }: ServerSettings, log: ActionLog): AuditLog | undefined {
  return audit && openAuditLog(audit, { log, hostName, software: config.version });
}

/** Opens what writes the certificate of the draw; nothing where servers have no folder to write it to. */
function openCertifier(
  { audit, ledger: { engine }, sharedVolume: volume }: ServerSettings,
  { identity }: Ledger,
  log: ActionLog,
): Certifier | undefined {
  if (engine !== "files") return undefined;
  const files = { bets: BETS_FILE, closed: CLOSED_FILE };
  const readHeads = () => audit === undefined ? [] : readAuditHeads(audit.folder);
  return new Certifier({ volume, identity, files, readHeads, software: config.version, log });
}

/** Calls `stop` on the first SIGTERM or SIGINT; the second ends the process at once. */
function onStopSignal(stop: () => void): void {
  let isStopping = false;
  const handle = () => {
    if (isStopping) Deno.exit(EXIT_FAILURE);
    isStopping = true;
    stop();
  };
  Deno.addSignalListener("SIGINT", handle);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", handle);
}

/**
 * Keeps a limit on the size of files (RLIMIT_FSIZE) from ending the process: the write fails instead, and its
 * bets are refused as on a full disk.
 */
function surviveFileSizeLimit(): void {
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGXFSZ", () => {});
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
    const { logFormat: format, logLevel: level } = settings;
    writer.format = format;
    log = openLog({ levels: SERVER_LEVELS, level, format, sink: writer.write });
    exitCode = await serve(settings, log);
  } catch (error) {
    exitCode = error instanceof SettingsError ? EXIT_SETTINGS : EXIT_FAILURE;
    if (error instanceof SettingsError) console.error(error.message);
    else log.critical("start", "fail", { error: (error as Error).message });
  }
  await end(exitCode, log);
}

if (import.meta.main) {
  const exitCode = handleArguments(Deno.args, SERVER_USAGE);
  if (exitCode !== undefined) Deno.exit(exitCode);
  await main();
}
