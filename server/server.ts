/**
 * One server: takes connections, keeps their number and their idleness within bounds, and ends them.
 *
 * @module
 */

import type { ActionLog } from "../shared/logging.ts";
import { BetBatch } from "../shared/packets.ts";
import { Draw } from "./draw.ts";
import { DrawSignal } from "./ledger/file/draw_signal.ts";
import type { Ledger } from "./ledger/ledger.ts";
import { Session, type SessionContext } from "./session.ts";
import type { ServerSettings } from "./settings.ts";

/** How long sessions may take to answer the packet in hand once the server stops. Milliseconds. */
const STOP_PATIENCE_MS = 1500;
/** How often to learn of what other servers have stored: a draw then finds little left to count. */
const FOLLOW_MS = 50;
/** How long to rest when no connection can be accepted, for want of file handles above all. */
const ACCEPT_REST_MS = 100;

/** Takes connections until it is stopped. */
export class Server {
  readonly #settings: ServerSettings;
  readonly #log: ActionLog;
  readonly #ledger: Ledger;
  readonly #listener: Deno.TcpListener;
  readonly #signal: DrawSignal;
  readonly #context: SessionContext;
  readonly #sessions = new Map<Session, Promise<void>>();
  /** Sessions that wait for the draw, the one that waits longest first. */
  readonly #waiting = new Set<Session>();
  readonly #sweep: ReturnType<typeof setInterval>;
  readonly #follow: ReturnType<typeof setInterval>;
  #isFollowing = false;
  #accepting: Promise<void> | undefined;
  #onSlotFree: () => void = () => {};
  /** Whether a connection waits for its place, because there are as many as there may or can be. */
  #isCrowded = false;
  #isStopping = false;

  /** Opens the sockets. Connections are not answered before {@linkcode run}. */
  constructor(settings: ServerSettings, ledger: Ledger, log: ActionLog) {
    this.#settings = settings;
    this.#ledger = ledger;
    this.#log = log;
    const { drawPollMs, winningNumber, agencies, packetBytesMax } = settings;
    const draw = new Draw(ledger, { pollMs: drawPollMs, winningNumber, log });
    const { listenIp: hostname, port, reusePort, listenBacklog: tcpBacklog } = settings;
    this.#listener = opened(
      `take connections on ${hostname}:${port}`,
      () => Deno.listen({ hostname, port, reusePort, tcpBacklog }),
    );
    this.#signal = this.#openSignal(draw);
    this.#context = {
      ledger,
      draw,
      log,
      agencies,
      packetBytesMax,
      batch: new BetBatch(),
      announce: () => this.#signal.send(),
      onWaiting: (session, isWaiting) => this.#onWaiting(session, isWaiting),
      now: Date.now,
    };
    this.#follow = setInterval(() => this.#followOthers(), FOLLOW_MS);
    this.#sweep = setInterval(() => this.#endIdle(), Math.min(1000, settings.idleMs));
  }

  /** The port it listens on: the one of the settings, or a free one if that is 0. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** Takes connections until {@linkcode stop}. */
  run(): Promise<void> {
    return this.#accepting ??= this.#accept();
  }

  /** Stops: no new connection, the packets in hand answered, every socket and file closed. */
  async stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#log.info("shutdown", "in_progress");
    clearInterval(this.#sweep);
    clearInterval(this.#follow);
    this.#listener.close();
    this.#onSlotFree();
    this.#log.info("close_listener", "success");
    await this.#endSessions();
    this.#log.info("close_connections", "success");
    await this.#signal.dispose();
    this.#log.info("close_broadcast", "success");
    await this.#ledger.dispose();
    this.#log.info("close_ledger", "success");
  }

  #openSignal(draw: Draw): DrawSignal {
    const { broadcastIp, broadcastPort, reusePort } = this.#settings;
    const options = {
      ip: broadcastIp,
      port: broadcastPort,
      shared: reusePort,
      log: this.#log,
      onSignal: () => void draw.look(),
    };
    try {
      return opened(`hear broadcasts on UDP port ${broadcastPort}`, () => new DrawSignal(options));
    } catch (error) {
      this.#listener.close();
      throw error;
    }
  }

  async #accept(): Promise<void> {
    while (!this.#isStopping) {
      try {
        const connection = await this.#listener.accept();
        await this.#place();
        // It came at the last moment: stop() has looked through the sessions already.
        if (this.#isStopping) return connection.close();
        this.#open(connection);
      } catch (error) {
        if (this.#isStopping) return;
        // For want of file handles above all: whoever waits now waits for one that is idle to end.
        this.#isCrowded = true;
        this.#log.warning("accept", "fail", { error: (error as Error).message });
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_REST_MS));
      }
    }
  }

  /** Waits until there is a place for one more connection. */
  async #place(): Promise<void> {
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
      // A peer that vanished while it waits for the draw must not be waited for.
      connection.setKeepAlive(true);
    } catch {
      // It is gone already; the session finds out.
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
    // An agency that still wants to know comes back, and is the newest then.
    const [longest] = this.#waiting;
    this.#log.warning("connection", "fail", {
      error: "too many wait for the draw: the oldest ends",
    });
    longest.abort();
  }

  #endIdle(): void {
    const { idleMs, crowdedIdleMs } = this.#settings;
    const since = Date.now() - (this.#isCrowded ? Math.min(idleMs, crowdedIdleMs) : idleMs);
    for (const session of this.#sessions.keys()) session.endIfIdleSince(since);
  }

  /** One at a time, as it may have to wait for the lock. */
  async #followOthers(): Promise<void> {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    try {
      await this.#ledger.follow();
    } catch {
      // The ledger has said so itself if it can go on no more; whoever needs it is told what else is wrong.
    } finally {
      this.#isFollowing = false;
    }
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

/** What `open` gives. Where it throws, the system says why, and this says what for. */
function opened<Socket>(what: string, open: () => Socket): Socket {
  try {
    return open();
  } catch (cause) {
    throw new Error(`Cannot ${what}: ${(cause as Error).message}`, { cause });
  }
}
