/**
 * One server: accepts connections, limits their number and their idleness, and ends them.
 *
 * @module
 */

import { BetDecoder, dayNumber } from "../shared/mod.ts";
import type { ActionLog } from "../shared/logging.ts";
import { DrawWatch } from "./draw_watch.ts";
import type { Ledger } from "./ledger/ledger.ts";
import { Session, type SessionContext } from "./session.ts";
import type { ServerSettings } from "./settings.ts";

/** How long sessions may take to answer their current packet after the server begins to stop. */
const STOP_PATIENCE_MS = 1500;
/** Pause after a connection could not be accepted, mostly for lack of file handles. */
const ACCEPT_PAUSE_MS = 100;

/** Options of {@linkcode Server}. */
export interface ServerOptions {
  ledger: Ledger;
  log: ActionLog;
  /** A monotonic clock, in milliseconds. @default {performance.now} */
  now?: () => number;
}

/** A server of the lottery. */
export class Server {
  readonly #settings: ServerSettings;
  readonly #log: ActionLog;
  readonly #ledger: Ledger;
  readonly #listener: Deno.TcpListener;
  readonly #context: SessionContext;
  readonly #sessions = new Map<Session, Promise<void>>();
  /** Sessions that wait for the draw, the longest wait first. */
  readonly #waiting = new Set<Session>();
  readonly #sweep: ReturnType<typeof setInterval>;
  #accepting: Promise<void> | undefined;
  #onSlotFree: () => void = () => {};
  /** Whether a connection waits for a place, because the limit or the system allows no more. */
  #isCrowded = false;
  #isStopping = false;

  /**
   * Opens the listening socket. Connections are not answered before {@linkcode run}; {@linkcode stop}
   * disposes of the ledger.
   *
   * @throws If the address cannot be bound.
   */
  constructor(settings: ServerSettings, options: ServerOptions) {
    const { ledger, log, now = () => performance.now() } = options;
    this.#settings = settings;
    this.#ledger = ledger;
    this.#log = log;
    this.#listener = listen(settings);
    const { winningNumber, agencies, packetBytesMax } = settings;
    this.#context = {
      ledger,
      draw: new DrawWatch(ledger, { winningNumber, log }),
      log,
      agencies,
      packetBytesMax,
      decoder: new BetDecoder(ledger.notation),
      onWaiting: (session, isWaiting) => this.#onWaiting(session, isWaiting),
      now,
      today: () => dayNumber(Date.now()),
    };
    this.#sweep = setInterval(() => this.#endIdle(), Math.min(1000, settings.idleMs));
  }

  /** The port it listens on: the configured one, or a free one if that is 0. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** Accepts connections until {@linkcode stop}. */
  run(): Promise<void> {
    return this.#accepting ??= this.#accept();
  }

  /** Stops: accepts no connection, answers the current packets, then closes every socket and the ledger. */
  async stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#log.info("shutdown", "in_progress");
    clearInterval(this.#sweep);
    this.#listener.close();
    this.#onSlotFree();
    this.#log.info("close_listener", "success");
    await this.#endSessions();
    this.#log.info("close_connections", "success");
    await this.#ledger[Symbol.asyncDispose]();
    this.#log.info("close_ledger", "success");
  }

  async #accept(): Promise<void> {
    while (!this.#isStopping) {
      try {
        const connection = await this.#listener.accept();
        await this.#slot();
        // It came at the last moment: stop() has gone through the sessions already.
        if (this.#isStopping) return connection.close();
        this.#open(connection);
      } catch (error) {
        if (this.#isStopping) return;
        // Mostly for lack of file handles: the waiting connection needs an idle one to end.
        this.#isCrowded = true;
        this.#log.warning("accept", "fail", { error: (error as Error).message });
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE_MS));
      }
    }
  }

  /** Waits until one more connection may be served. */
  async #slot(): Promise<void> {
    while (this.#sessions.size - this.#waiting.size >= this.#settings.connectionsMax) {
      if (this.#isStopping) return;
      if (!this.#isCrowded) {
        this.#log.debug("accept", "in_progress", { reason: "a connection waits for a place" });
      }
      this.#isCrowded = true;
      await this.#slotFree();
    }
    this.#isCrowded = false;
  }

  #slotFree(): Promise<void> {
    return new Promise((resolve) => this.#onSlotFree = resolve);
  }

  #open(connection: Deno.TcpConn): void {
    const { hostname, port } = connection.remoteAddr;
    try {
      connection.setNoDelay(true);
      // Finds out about a peer that vanishes while its session waits for the draw.
      connection.setKeepAlive(true);
    } catch {
      // The peer is gone already; the session finds out.
    }
    const session = new Session(connection, `${hostname}:${port}`, this.#context);
    const ended = session.run().then(() => {
      this.#sessions.delete(session);
      this.#onSlotFree();
    });
    this.#sessions.set(session, ended);
  }

  #onWaiting(session: Session, isWaiting: boolean): void {
    if (!isWaiting) {
      this.#waiting.delete(session);
      return;
    }
    this.#waiting.add(session);
    this.#onSlotFree();
    if (this.#waiting.size <= this.#settings.waitingMax) return;
    // Its agency reconnects if it still waits, and is the newest then.
    const [longest] = this.#waiting;
    this.#log.warning("connection", "fail", {
      error: "too many connections wait for the draw: the oldest ends",
    });
    longest.abort();
  }

  #endIdle(): void {
    const { idleMs, crowdedIdleMs } = this.#settings;
    const limitMs = this.#isCrowded ? Math.min(idleMs, crowdedIdleMs) : idleMs;
    const since = this.#context.now() - limitMs;
    for (const session of this.#sessions.keys()) session.endIfIdleSince(since);
  }

  async #endSessions(): Promise<void> {
    const patience = setTimeout(() => {
      for (const session of this.#sessions.keys()) session.abort();
    }, STOP_PATIENCE_MS);
    for (const session of this.#sessions.keys()) session.stop();
    await Promise.all(this.#sessions.values());
    clearTimeout(patience);
  }
}

function listen(settings: ServerSettings): Deno.TcpListener {
  const { listenIp: hostname, port, reusePort, listenBacklog: tcpBacklog } = settings;
  try {
    return Deno.listen({ hostname, port, reusePort, tcpBacklog });
  } catch (cause) {
    throw new Error(`Cannot listen on ${hostname}:${port}: ${(cause as Error).message}`, { cause });
  }
}
