/**
 * The datagram by which servers notify each other that the last agency has closed. It is only a hint to read
 * the files: it may be lost, duplicated or forged.
 *
 * @module
 */

import type { ActionLog } from "../../../shared/logging.ts";
import { pause } from "../../../shared/pause.ts";

/** The payload, as in the exercise. */
const BET_ENDED = "bet_ended";
/** Pause after a failed read of the socket, so that a lasting fault does not fill the log. */
const FAULT_PAUSE_MS = 1000;
/**
 * Pause after each datagram: a flood of them must not starve the agencies. Datagrams that arrive meanwhile wait in
 * the socket, or are lost, as datagrams may be.
 */
const DATAGRAM_PAUSE_MS = 10;

/** How servers notify each other that the draw may have become possible. */
export interface ChangeSignal extends AsyncDisposable {
  /** Calls `listener` for each signal, those of this server included. */
  onSignal(listener: () => void): void;
  /** Notifies all servers. Success means that the signal was sent, not that it arrived. */
  send(): Promise<void>;
}

/** Options of {@linkcode DrawSignal}. */
export interface DrawSignalOptions {
  /** UDP_BROADCAST_IP. */
  ip: string;
  /** UDP_BROADCAST_PORT; 0 for any free port, which no other server knows. */
  port: number;
  /** Whether other servers on this host listen on the same port. */
  shared: boolean;
  log: ActionLog;
}

/** A socket that broadcasts `bet_ended` and receives it. */
export class DrawSignal implements ChangeSignal {
  readonly #options: DrawSignalOptions;
  readonly #socket: Deno.DatagramConn;
  readonly #receiving: Promise<void>;
  #listener: () => void = () => {};
  readonly #closing = new AbortController();

  /** Opens the socket. @throws If the port cannot be bound. */
  constructor(options: DrawSignalOptions) {
    this.#options = options;
    try {
      this.#socket = Deno.listenDatagram({
        transport: "udp",
        hostname: "0.0.0.0",
        port: options.port,
        reuseAddress: options.shared,
      });
    } catch (cause) {
      const { message } = cause as Error;
      throw new Error(`Cannot receive broadcasts on UDP port ${options.port}: ${message}`, {
        cause,
      });
    }
    this.#receiving = this.#receive();
  }

  onSignal(listener: () => void): void {
    this.#listener = listener;
  }

  async send(): Promise<void> {
    const { ip, log } = this.#options;
    const { port } = this.#socket.addr as Deno.NetAddr;
    const target: Deno.NetAddr = { transport: "udp", hostname: ip, port };
    try {
      await this.#socket.send(new TextEncoder().encode(BET_ENDED), target);
      log.info("broadcast", "success", { ip, port, mensaje: BET_ENDED });
    } catch (error) {
      // The other servers poll, and find out without it.
      log.warning("broadcast", "fail", { ip, port, error: (error as Error).message });
    }
  }

  /** Closes the socket. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#socket.close();
    await this.#receiving;
    this.#options.log.info("close_broadcast", "success");
  }

  async #receive(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        const [payload] = await this.#socket.receive();
        if (new TextDecoder().decode(payload) === BET_ENDED) this.#listener();
        await pause(DATAGRAM_PAUSE_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#options.log.warning("broadcast", "fail", { error: (error as Error).message });
        await pause(FAULT_PAUSE_MS, signal);
      }
    }
  }
}
