/**
 * The datagram by which servers tell each other that the last agency has closed. It is nothing but a hint
 * to look: it may be lost, doubled or forged.
 *
 * @module
 */

import type { ActionLog } from "../../../shared/logging.ts";

/** The payload, as the seed has it. */
const BET_ENDED = "bet_ended";
/** How long to rest when the socket cannot be read, so that a lasting fault does not fill the log. */
const REST_MS = 1000;
/**
 * How long not to listen behind a datagram: a flood of them must not take the time of the agencies. What
 * comes meanwhile waits for its turn, or is lost, which a datagram may be.
 */
const PAUSE_MS = 10;

/** Options of {@linkcode DrawSignal}. */
export interface DrawSignalOptions {
  /** UDP_BROADCAST_IP. */
  ip: string;
  /** UDP_BROADCAST_PORT; 0 for any free one, which no other server knows. */
  port: number;
  /** Whether other servers on this host listen on the same port. */
  shared: boolean;
  log: ActionLog;
  /** Called when a datagram has come, this server's own among them. */
  onSignal: () => void;
}

/** A socket that broadcasts `bet_ended`, and hears it. */
export class DrawSignal {
  readonly #options: DrawSignalOptions;
  readonly #socket: Deno.DatagramConn;
  readonly #hearing: Promise<void>;
  #isClosed = false;
  #wake: () => void = () => {};

  constructor(options: DrawSignalOptions) {
    this.#options = options;
    this.#socket = Deno.listenDatagram({
      transport: "udp",
      hostname: "0.0.0.0",
      port: options.port,
      reuseAddress: options.shared,
    });
    this.#hearing = this.#hear();
  }

  /** Tells all servers to look. That it went out does not mean that it arrived. */
  async send(): Promise<void> {
    const { ip, log } = this.#options;
    const { port } = this.#socket.addr as Deno.NetAddr;
    const target: Deno.NetAddr = { transport: "udp", hostname: ip, port };
    try {
      await this.#socket.send(new TextEncoder().encode(BET_ENDED), target);
      log.info("broadcast", "success", { ip, port, mensaje: BET_ENDED });
    } catch (error) {
      // The others look by themselves before long.
      log.warning("broadcast", "fail", { ip, port, error: (error as Error).message });
    }
  }

  /** Closes the socket. */
  async dispose(): Promise<void> {
    this.#isClosed = true;
    this.#socket.close();
    this.#wake();
    await this.#hearing;
  }

  async #hear(): Promise<void> {
    while (!this.#isClosed) {
      try {
        const [payload] = await this.#socket.receive();
        if (new TextDecoder().decode(payload) === BET_ENDED) this.#options.onSignal();
        await this.#rest(PAUSE_MS);
      } catch (error) {
        if (this.#isClosed) return;
        this.#options.log.warning("broadcast", "fail", { error: (error as Error).message });
        await this.#rest(REST_MS);
      }
    }
  }

  #rest(timeMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
