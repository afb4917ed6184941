/**
 * One server: accepts connections, and stops.
 *
 * @module
 */

import { BetDecoder, dayNumber } from "../shared/mod.ts";
import type { AuditReport, ConnectionsReport } from "../shared/status/report.ts";
import type { ActionLog } from "../shared/logging.ts";
import { pause } from "../shared/pause.ts";
import { classifyAcceptError } from "./accept_errors.ts";
import type { AuditLog } from "./audit/audit_log.ts";
import { Connections } from "./connections.ts";
import { DrawWatch } from "./draw_watch.ts";
import { Gate } from "./gate/gate.ts";
import type { Draw, Ledger } from "./ledger/ledger.ts";
import type { ServerSettings } from "./settings.ts";
import { SummedWarnings } from "./summed_warnings.ts";
import { type Listener, listenTcp } from "./transport/listener.ts";
import { TlsListener } from "./transport/tls_listener.ts";

/** Pause after a connection could not be accepted for a reason that is not its peer's. */
const ACCEPT_PAUSE_MS = 100;

/** The same after a connection has ended to make room. */
const RELIEF_PAUSE_MS = 5;

/** Options of {@linkcode Server}. */
export interface ServerOptions {
  ledger: Ledger;
  log: ActionLog;
  /** Records what auditors ask about. The server disposes of it. @default {nothing is recorded} */
  audit?: AuditLog;
  /** Called once, with the draw. @default {nothing is called} */
  onDraw?: (draw: Draw) => void;
  /** A monotonic clock, in milliseconds. @default {performance.now} */
  now?: () => number;
  /** Opens the listening socket. @default {over TCP or TLS, as the settings say} */
  listen?: (settings: ServerSettings, log: ActionLog) => Listener;
}

/** A server of the lottery. */
export class Server {
  readonly #log: ActionLog;
  readonly #ledger: Ledger;
  readonly #audit: AuditLog | undefined;
  readonly #listener: Listener;
  readonly #connections: Connections;
  readonly #warnings: SummedWarnings;
  readonly #gate: Gate | undefined;
  #accepting: Promise<void> | undefined;
  readonly #stopping = new AbortController();

  /**
   * Opens the listening socket. Connections are not answered before {@linkcode run}; {@linkcode stop}
   * disposes of the ledger.
   *
   * @throws If the address cannot be bound, or the keys of agencies cannot be used.
   */
  constructor(settings: ServerSettings, options: ServerOptions) {
    const { ledger, log, audit, onDraw, now = () => performance.now() } = options;
    const { listen = openListener } = options;
    this.#ledger = ledger;
    this.#audit = audit;
    this.#log = log;
    this.#warnings = new SummedWarnings(log);
    const warnings = this.#warnings;
    const { agencyKeys: path } = settings;
    this.#gate = path === undefined ? undefined : new Gate({ path, log, warnings, audit, now });
    this.#listener = listen(settings, log);
    const { winningNumber, agencies, packetBytesMax, agenciesPerConnectionMax } = settings;
    const context = {
      ledger,
      draw: new DrawWatch(ledger, { winningNumber, log, onDraw }),
      log,
      audit,
      agencies,
      packetBytesMax,
      agenciesPerConnectionMax,
      decoder: new BetDecoder(ledger.notation),
      now,
      today: () => dayNumber(Date.now()),
    };
    this.#connections = new Connections({ settings, warnings, gate: this.#gate, context });
  }

  /** The port it listens on: the configured one, or a free one if that is 0. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** What its connections are doing. */
  connections(): ConnectionsReport {
    return this.#connections.report();
  }

  /** The state of its audit log; nothing without one. */
  audit(): AuditReport | null {
    return this.#audit?.report() ?? null;
  }

  /** How many invalid packets it has refused. */
  get invalidPackets(): number {
    return this.#connections.invalidPackets;
  }

  /** Accepts connections until {@linkcode stop}. */
  run(): Promise<void> {
    return this.#accepting ??= this.#accept();
  }

  /** Stops: accepts no connection, answers the current packets, then closes every socket, the audit log and the ledger. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    this.#log.info("shutdown", "in_progress");
    this.#listener.close();
    this.#log.info("close_listener", "success");
    await this.#connections.stop();
    this.#gate?.[Symbol.dispose]();
    this.#warnings[Symbol.dispose]();
    this.#log.info("close_connections", "success");
    this.#audit?.[Symbol.dispose]();
    await this.#ledger[Symbol.asyncDispose]();
    this.#log.info("close_ledger", "success");
  }

  async #accept(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const connection = await this.#listener.accept();
        if (signal.aborted) connection.close();
        else this.#connections.add(connection);
      } catch (error) {
        if (!signal.aborted) await this.#onAcceptError(error as Error);
      }
    }
  }

  async #onAcceptError(error: Error): Promise<void> {
    const failure = classifyAcceptError(error);
    if (failure === "peer") {
      this.#log.debug("accept", "fail", { error: error.message });
      return;
    }
    this.#warnings.warn("accept", error.message);
    const isRelieved = failure === "shortage" && this.#connections.relieve();
    await pause(isRelieved ? RELIEF_PAUSE_MS : ACCEPT_PAUSE_MS, this.#stopping.signal);
  }
}

function openListener(settings: ServerSettings, log: ActionLog): Listener {
  const { listenIp: hostname, port, reusePort, listenBacklog: tcpBacklog, tls } = settings;
  const address = { hostname, port, reusePort, tcpBacklog };
  try {
    return tls === undefined ? listenTcp(address) : new TlsListener({ address, files: tls, log });
  } catch (cause) {
    throw new Error(`Cannot listen on ${hostname}:${port}: ${(cause as Error).message}`, { cause });
  }
}
