/**
 * One connection to a server: a packet out, a line back, each within its time.
 *
 * @module
 */

import { FrameBuffer, FrameTooLongError } from "../shared/framing.ts";

/** Longest answer that is a number, in bytes: `ProgressResponse:` and 15 digits need 34. */
const SHORT_ANSWER_BYTES_MAX = 64;

/** A connection as the network gives it: the part of Deno.TcpConn that is used. */
export interface Transport {
  read(bytes: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** The network: finds the addresses of a server's name, and connects to one of them. */
export interface Dialer {
  /** The addresses of a host name, one or more; rejects, or is empty, where there are none. */
  resolve(host: string): Promise<string[]>;
  connect(address: { hostname: string; port: number }): Promise<Transport>;
}

/** The real network. */
export const TCP_DIALER: Dialer = {
  resolve: (host) => Deno.resolveDns(host, "A"),
  async connect(address) {
    const connection = await Deno.connect(address);
    // A packet is small and its answer awaited; and a server that vanished is found out some day.
    connection.setNoDelay(true);
    connection.setKeepAlive(true);
    return connection;
  },
};

/**
 * How a connection failed. `closed`: it was closed in good order, before a byte of the answer;
 * `silent`: no answer came in time; `broken`: anything else, such as an answer that is none.
 */
export type ConnectionFailure = "closed" | "silent" | "broken";

/** A connection failed, or could not be made. Another one may do better. */
export class ConnectionError extends Error {
  override name = "ConnectionError";
  readonly failure: ConnectionFailure;

  constructor(failure: ConnectionFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}

/** Options of {@linkcode connect}. */
export interface ConnectOptions {
  dialer: Dialer;
  /** Longest time for the connection to be made, and for each answer. */
  timeoutMs: number;
}

/**
 * Connects to one address.
 *
 * @throws {ConnectionError} If that fails, or takes longer than `timeoutMs`.
 */
export async function connect(
  address: { hostname: string; port: number },
  { dialer, timeoutMs }: ConnectOptions,
): Promise<Connection> {
  const dialling = dialer.connect(address);
  try {
    const transport = await within(timeoutMs, dialling);
    return new Connection(transport, `${address.hostname}:${address.port}`, timeoutMs);
  } catch (error) {
    // It may still come about, and then nobody waits for it.
    dialling.then((late) => late.close(), () => {});
    throw asConnectionError(error, `it cannot be reached`);
  }
}

/** What an answer may be. */
export interface AnswerLimits {
  /** Longest silence before and within it. @default {the connection's} */
  timeoutMs?: number;
  /** Longest answer, in bytes, its line end included. @default {64} */
  bytesMax?: number;
}

/** One connection to a server. After its first error it is closed. */
export class Connection implements Disposable {
  /** The server's address, as `host:port`. */
  readonly address: string;
  /** How many packets were answered. */
  answers = 0;
  readonly #transport: Transport;
  readonly #timeoutMs: number;
  #isClosed = false;
  #isLate = false;
  /** A read that staysOpen() has begun; the next answer comes through it. */
  #begunRead: { bytes: Uint8Array; count: Promise<number | null> } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(transport: Transport, address: string, timeoutMs: number) {
    this.#transport = transport;
    this.address = address;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Sends one or more packets of which the last is answered, and reads the answer.
   *
   * @param decode Makes the line into what it says, or throws.
   * @throws {ConnectionError} If no answer came in time, or none that can be understood.
   */
  async ask<Answer>(
    packets: Uint8Array,
    decode: (line: Uint8Array) => Answer,
    { timeoutMs = this.#timeoutMs, bytesMax = SHORT_ANSWER_BYTES_MAX }: AnswerLimits = {},
  ): Promise<Answer> {
    return await this.#inTime(timeoutMs, async () => {
      await this.#write(packets);
      const answer = decode(await this.#readLine({ timeoutMs, bytesMax }));
      this.answers++;
      return answer;
    });
  }

  /** Sends a packet that has no answer. */
  async tell(packet: Uint8Array): Promise<void> {
    await this.#inTime(this.#timeoutMs, () => this.#write(packet));
  }

  /**
   * Waits for a while, to see whether somebody is there who waits for a packet.
   *
   * @throws {ConnectionError} If the connection was closed before anything was asked.
   */
  async staysOpen(timeMs: number): Promise<void> {
    const bytes = new Uint8Array(SHORT_ANSWER_BYTES_MAX);
    const count = this.#transport.read(bytes);
    count.catch(() => {});
    this.#begunRead = { bytes, count };
    const ended = count.then(() => {
      this[Symbol.dispose]();
      throw new ConnectionError("broken", "the connection was closed before anything was asked");
    });
    await this.#inTime(2 * timeMs, async () => {
      await within(timeMs, ended).catch((error) => {
        const isOpen = error instanceof ConnectionError && error.failure === "silent";
        if (!isOpen) throw error;
      });
    });
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#transport.close();
  }

  async #read(into: Uint8Array): Promise<number | null> {
    const begun = this.#begunRead;
    if (begun === undefined) return await this.#transport.read(into);
    this.#begunRead = undefined;
    const count = await begun.count;
    if (count !== null) into.set(begun.bytes.subarray(0, count));
    return count;
  }

  async #inTime<Result>(timeoutMs: number, work: () => Promise<Result>): Promise<Result> {
    this.#startTimer(timeoutMs);
    try {
      return await work();
    } catch (error) {
      this[Symbol.dispose]();
      throw this.#isLate ? silence(timeoutMs) : asConnectionError(error, "the connection broke");
    } finally {
      clearTimeout(this.#timer);
    }
  }

  /** No socket has a time limit: closing it ends the read or write that waits. */
  #startTimer(timeoutMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#isLate = true;
      this[Symbol.dispose]();
    }, timeoutMs);
  }

  async #write(packets: Uint8Array): Promise<void> {
    let rest = packets;
    while (rest.length > 0) rest = rest.subarray(await this.#transport.write(rest));
  }

  async #readLine({ timeoutMs, bytesMax }: Required<AnswerLimits>): Promise<Uint8Array> {
    const frames = new FrameBuffer(bytesMax);
    for (;;) {
      const line = frames.take();
      if (line !== undefined) {
        if (frames.pending === 0) return line;
        throw new ConnectionError("broken", "the server sent more than one answer");
      }
      const count = await this.#read(frames.space());
      if (count !== null) {
        frames.filled(count);
        // A long answer may take long: it is silence that has a limit.
        this.#startTimer(timeoutMs);
      } else if (frames.pending > 0) {
        throw new ConnectionError("broken", "the server closed the connection within its answer");
      } else throw new ConnectionError("closed", "the server closed the connection");
    }
  }
}

function silence(timeoutMs: number): ConnectionError {
  return new ConnectionError("silent", `the server did not answer within ${timeoutMs / 1000} s`);
}

function asConnectionError(error: unknown, what: string): unknown {
  if (error instanceof ConnectionError || !(error instanceof Error)) return error;
  // Those are mistakes in this program, which no other connection mends.
  if (error instanceof TypeError || error instanceof RangeError) return error;
  const isAnswer = error.name === "PacketError" || error instanceof FrameTooLongError;
  const reason = isAnswer ? error.message : `${what}: ${error.message}`;
  return new ConnectionError("broken", reason, { cause: error });
}

/**
 * Waits for `work`, but not longer than `timeoutMs`.
 *
 * @throws {ConnectionError} If it takes longer.
 */
export async function within<Result>(timeoutMs: number, work: Promise<Result>): Promise<Result> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(silence(timeoutMs)), timeoutMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
