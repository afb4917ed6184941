/**
 * One connection to a server: sends a packet, reads a line, each within a time limit.
 *
 * @module
 */

import { isNotAdmitted } from "../shared/answers.ts";
import { withDeadline } from "../shared/deadline.ts";
import { FrameBuffer, FrameTooLongError, PacketError } from "../shared/mod.ts";
import type { Dialer, Transport } from "./dialer.ts";

/** Longest answer but a WinnersResponse, in bytes: a DigestResponse, with 15 digits and a CRLF, has 97. */
const SHORT_ANSWER_BYTES_MAX = 128;

/**
 * How a connection failed.
 *
 * - `closed`: the server closed it cleanly, before any byte of the answer.
 * - `refused`: the same, but after it had answered another packet sent together with this one: it is a working
 *   server that does not answer this packet.
 * - `silent`: no answer came in time.
 * - `broken`: anything else, such as a malformed answer.
 */
export type ConnectionFailure = "closed" | "refused" | "silent" | "broken";

/** Options of {@linkcode ConnectionError}. */
export interface ConnectionErrorOptions extends ErrorOptions {
  /** What to do if no connection works at all. */
  advice?: string;
}

/** A connection failed or could not be made. Another connection may work. */
export class ConnectionError extends Error {
  override name = "ConnectionError";
  readonly failure: ConnectionFailure;
  readonly advice?: string;

  constructor(failure: ConnectionFailure, message: string, options?: ConnectionErrorOptions) {
    super(message, options);
    this.failure = failure;
    this.advice = options?.advice;
  }
}

/** Options of {@linkcode connect}. */
export interface ConnectOptions {
  dialer: Dialer;
  /** Longest time for connecting, and for each answer. */
  timeoutMs: number;
  /** Closes the connection when it is aborted. @default {never} */
  signal?: AbortSignal;
}

/**
 * Connects to one address.
 *
 * @throws {ConnectionError} If that fails, is aborted, or takes longer than `timeoutMs`.
 */
export async function connect(
  { hostname, port }: { hostname: string; port: number },
  { dialer, timeoutMs, signal }: ConnectOptions,
): Promise<Connection> {
  const dialing = dialer.connect({ hostname, port });
  const { promise: aborted, reject: abort } = Promise.withResolvers<never>();
  const onAbort = () => abort(new ConnectionError("broken", "another server answered first"));
  signal?.addEventListener("abort", onAbort);
  if (signal?.aborted) onAbort();
  // Not a deadline of setTimeout(): its first use in a program takes longer than everything else here.
  const late = AbortSignal.timeout(timeoutMs);
  late.addEventListener("abort", () => abort(silence(timeoutMs)));
  try {
    const transport = await Promise.race([dialing, aborted]);
    const connection = new Connection(transport, formatAddress(hostname, port), timeoutMs);
    signal?.addEventListener("abort", () => connection[Symbol.dispose]());
    return connection;
  } catch (error) {
    // Nobody waits for this connection any more.
    dialing.then((late) => late.close(), () => {});
    throw asConnectionError(error, "cannot connect");
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

/** Formats an address as `host:port`, and `[host]:port` over IPv6. */
export function formatAddress(hostname: string, port: number): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** Limits of an answer. */
export interface AnswerLimits {
  /** Longest silence before and within it. @default {the connection's} */
  timeoutMs?: number;
  /** Longest answer, in bytes, line end included. @default {128} */
  bytesMax?: number;
}

/** One connection to a server. Its first error closes it. */
export class Connection implements Disposable {
  /** The server's address, as `host:port`. */
  readonly address: string;
  readonly #transport: Transport;
  readonly #timeoutMs: number;
  /** Every answer leaves it empty, or closes the connection. */
  readonly #shortFrames = new FrameBuffer(SHORT_ANSWER_BYTES_MAX);
  #isClosed = false;
  #isLate = false;
  /** A read that requireOpen() has started. The next answer arrives through it. */
  #startedRead: { bytes: Uint8Array; count: Promise<number | null> } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(transport: Transport, address: string, timeoutMs: number) {
    this.#transport = transport;
    this.address = address;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Sends one or more packets, of which only the last has an answer, and reads that answer.
   *
   * @param decode Decodes the answer's line, or throws.
   * @throws {ConnectionError} If no answer arrives in time, or it is malformed.
   */
  async ask<Answer>(
    packets: Uint8Array,
    decode: (line: Uint8Array) => Answer,
    limits: AnswerLimits = {},
  ): Promise<Answer> {
    const [answer] = await this.#ask(packets, [decode], limits);
    return answer as Answer;
  }

  /**
   * Sends a packet directly after `first`, and reads the answers to both. Returns the second.
   *
   * @param decode Decodes the second answer, or throws.
   * @throws {ConnectionError} If an answer does not arrive in time, or is malformed. It says `refused` if the
   * server closes the connection cleanly between the two answers.
   */
  async askAfter<Answer>(
    first: { packet: Uint8Array; decode: (line: Uint8Array) => unknown },
    { packet, decode, timeoutMs }: {
      packet: Uint8Array;
      decode: (line: Uint8Array) => Answer;
      /** Longest silence before and within each answer. @default {the connection's} */
      timeoutMs?: number;
    },
  ): Promise<Answer> {
    const packets = new Uint8Array([...first.packet, ...packet]);
    const [, answer] = await this.#ask(packets, [first.decode, decode], { timeoutMs });
    return answer as Answer;
  }

  /**
   * Sends a packet that has no answer.
   *
   * @throws {ConnectionError} If it cannot be sent in time.
   */
  async send(packet: Uint8Array): Promise<void> {
    await this.#inTime(this.#timeoutMs, () => this.#write(packet));
  }

  /**
   * Checks that the server keeps an unused connection open for `timeMs`, as one that awaits a packet does.
   *
   * @throws {ConnectionError} If it closes the connection.
   */
  async requireOpen(timeMs: number): Promise<void> {
    const bytes = new Uint8Array(SHORT_ANSWER_BYTES_MAX);
    const count = this.#transport.read(bytes);
    this.#startedRead = { bytes, count };
    const closed = count.then(() => {
      throw new ConnectionError("broken", "the server closed the connection before any request");
    });
    const stillOpen = new Error("The connection is still open");
    await this.#inTime(2 * timeMs, async () => {
      try {
        await withDeadline(closed, { timeoutMs: timeMs, error: () => stillOpen });
      } catch (error) {
        if (error !== stillOpen) throw error;
      }
    });
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#transport.close();
  }

  async #ask(
    packets: Uint8Array,
    decoders: readonly ((line: Uint8Array) => unknown)[],
    { timeoutMs = this.#timeoutMs, bytesMax = SHORT_ANSWER_BYTES_MAX }: AnswerLimits,
  ): Promise<unknown[]> {
    return await this.#inTime(timeoutMs, async () => {
      await this.#write(packets);
      const isShort = bytesMax === SHORT_ANSWER_BYTES_MAX;
      const frames = isShort ? this.#shortFrames : new FrameBuffer(bytesMax);
      const answers: unknown[] = [];
      for (const [at, decode] of decoders.entries()) {
        if (at > 0) this.#startTimer(timeoutMs);
        const line = await this.#readLine(frames, timeoutMs);
        if (line === undefined) throw closedAfter(answers.length);
        answers.push(decodeAnswer(line, decode));
      }
      if (frames.pending === 0) return answers;
      throw new ConnectionError("broken", "the server sent more than one answer");
    });
  }

  async #read(into: Uint8Array): Promise<number | null> {
    const started = this.#startedRead;
    if (started === undefined) return await this.#transport.read(into);
    this.#startedRead = undefined;
    const count = await started.count;
    if (count !== null) into.set(started.bytes.subarray(0, count));
    return count;
  }

  async #inTime<Result>(timeoutMs: number, work: () => Promise<Result>): Promise<Result> {
    try {
      // What it sends first leaves before the timer starts: the first timer of a program takes long to load.
      const working = work();
      this.#startTimer(timeoutMs);
      return await working;
    } catch (error) {
      this[Symbol.dispose]();
      throw this.#isLate ? silence(timeoutMs) : asConnectionError(error, "the connection broke");
    } finally {
      clearTimeout(this.#timer);
    }
  }

  /** Sockets have no timeout. Closing one ends its pending read or write. */
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

  /** Returns nothing if the server closes the connection cleanly before the line. */
  async #readLine(frames: FrameBuffer, timeoutMs: number): Promise<Uint8Array | undefined> {
    let line = frames.take();
    while (line === undefined) {
      const count = await this.#read(frames.space());
      if (count === null && frames.pending === 0) return undefined;
      if (count === null) {
        throw new ConnectionError("broken", "the server closed the connection within its answer");
      }
      frames.filled(count);
      line = frames.take();
      // Only silence is limited: a long answer may take long. Timers cost much, and most answers come at once.
      if (line === undefined) this.#startTimer(timeoutMs);
    }
    return line;
  }
}

/** Decodes an answer. @throws If it is malformed, or says that the server demands a key. */
function decodeAnswer(line: Uint8Array, decode: (line: Uint8Array) => unknown): unknown {
  try {
    return decode(line);
  } catch (error) {
    if (!(error instanceof PacketError) || !isNotAdmitted(line)) throw error;
    throw new ConnectionError(
      "broken",
      "the server admits only agencies that have a key: set CLI_KEY_FILE to the file with this agency's",
    );
  }
}

function closedAfter(answers: number): ConnectionError {
  return answers === 0
    ? new ConnectionError("closed", "the server closed the connection")
    : new ConnectionError("refused", "the server closed the connection instead of a second answer");
}

function silence(timeoutMs: number): ConnectionError {
  return new ConnectionError("silent", `the server did not answer within ${timeoutMs / 1000} s`);
}

/** Wraps errors that another connection may avoid. Returns the client's own mistakes unchanged. */
function asConnectionError(error: unknown, action: string): unknown {
  if (error instanceof ConnectionError || !(error instanceof Error)) return error;
  if (error instanceof TypeError || error instanceof RangeError) return error;
  const isMalformed = error instanceof PacketError || error instanceof FrameTooLongError;
  const reason = isMalformed ? error.message : `${action}: ${error.message}`;
  return new ConnectionError("broken", reason, { cause: error });
}
