/**
 * A session: one connection, from its first packet to its end. It reads a packet, answers it, and only
 * then looks at the next.
 *
 * @module
 */

import { dayNumber } from "../shared/bet.ts";
import { FrameBuffer, FrameTooLongError } from "../shared/framing.ts";
import type { ActionLog } from "../shared/logging.ts";
import {
  type BetBatch,
  decodeRequest,
  type DecodeRules,
  encodeProgressResponse,
  encodeStoreResponse,
  isStoreRequest,
  PacketError,
  PROGRESS_RESPONSE_HEAD,
  REFUSED,
  STORED,
  WINNERS_RESPONSE_HEAD,
} from "../shared/packets.ts";
import type { Draw } from "./draw.ts";
import { type Ledger, LedgerError } from "./ledger/ledger.ts";

const STORE_RESPONSES = [encodeStoreResponse(STORED), encodeStoreResponse(REFUSED)];
const LINE_END = new Uint8Array([0x0a]);
/** Up to so many bytes, documents are copied to make one write of an answer. */
const COPIED_BYTES_MAX = 4096;
/** A long answer is written in pieces, so that a slow reader is told from one that does not read. */
const PIECE_BYTES = 64 * 1024;
/** What is still read of a connection that was given up, so that the last answer reaches its reader. */
const LINGER_BYTES_MAX = 1024 * 1024;
const LINGER_MS = 1000;

/** The part of Deno.TcpConn that a session uses. */
export interface Connection {
  read(bytes: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
}

/** What all sessions of a server share. */
export interface SessionContext {
  ledger: Ledger;
  draw: Draw;
  log: ActionLog;
  /** AGENCIES_AMOUNT. */
  agencies: number;
  packetBytesMax: number;
  /** Takes the bets of the packet in hand: they are in the ledger's hands before anything else happens. */
  batch: BetBatch;
  /** Tells the other servers that the last agency has closed. */
  announce: () => Promise<void>;
  /** A session begins or ends to wait for the draw, and so does not count as a connection meanwhile. */
  onWaiting: (session: Session, isWaiting: boolean) => void;
  now: () => number;
}

/** What a session is at. */
type State = "reading" | "working" | "answering" | "waiting" | "ended";

/** One connection's conversation. */
export class Session {
  readonly #connection: Connection;
  readonly #context: SessionContext;
  readonly #peer: string;
  readonly #frames: FrameBuffer;
  readonly #ending = new AbortController();
  /** What this connection was told of an agency's stored bets, and what it has stored since. */
  readonly #expectedBets = new Map<number, number>();
  readonly #storedBets = new Map<number, number>();
  #state: State = "reading";
  #isStopping = false;
  #activeAt: number;

  constructor(connection: Connection, peer: string, context: SessionContext) {
    this.#connection = connection;
    this.#peer = peer;
    this.#context = context;
    this.#frames = new FrameBuffer(context.packetBytesMax);
    this.#activeAt = context.now();
  }

  /** Converses until the peer or the server ends it. Never throws. */
  async run(): Promise<void> {
    try {
      await this.#converse();
    } catch (error) {
      if (!this.#ending.signal.aborted) this.#logEnd(error);
    } finally {
      this.#state = "ended";
      this.#close();
      this.#logStored();
    }
  }

  /**
   * Ends the session: at once if it is between packets or waits for the draw, else when the packet in
   * hand is answered.
   */
  stop(): void {
    this.#isStopping = true;
    if (this.#state === "reading" || this.#state === "waiting") this.#close();
  }

  /** Ends the session whatever it is at. */
  abort(): void {
    this.#close();
  }

  /**
   * Ends the session if its peer has kept it waiting since before `timeMs`: for the rest of a packet, or
   * for taking an answer. Who waits for the draw, or for the ledger, is not idle.
   */
  endIfIdleSince(timeMs: number): void {
    const isForPeer = this.#state === "reading" || this.#state === "answering";
    if (!isForPeer || this.#ending.signal.aborted || this.#activeAt >= timeMs) return;
    this.#context.log.info("connection", "fail", { ip: this.#peer, error: "idle for too long" });
    this.#close();
  }

  async #converse(): Promise<void> {
    for (;;) {
      const line = await this.#nextLine();
      if (line === undefined || this.#isStopping) return;
      this.#state = "working";
      const goesOn = await this.#answer(line);
      if (!goesOn) return await this.#linger();
      if (this.#isStopping) return;
      this.#activeAt = this.#context.now();
      this.#state = "reading";
    }
  }

  /** The next packet; nothing when the peer has sent its last one. */
  async #nextLine(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    for (;;) {
      let line: Uint8Array<ArrayBuffer> | undefined;
      try {
        line = this.#frames.take();
      } catch (error) {
        await this.#refuseTooLong(error);
        return undefined;
      }
      if (line !== undefined) return line;
      const count = await this.#connection.read(this.#frames.space());
      if (count === null) {
        if (this.#frames.pending > 0) this.#logTorn();
        return undefined;
      }
      this.#frames.filled(count);
    }
  }

  /** Answers one packet; returns whether the conversation goes on. */
  async #answer(line: Uint8Array): Promise<boolean> {
    try {
      const { agencies, batch, now } = this.#context;
      const rules: DecodeRules = { agencies, today: dayNumber(now()) };
      const request = decodeRequest(line, rules, batch);
      switch (request.type) {
        case "StoreBet":
        case "StoreBatch":
          await this.#store(request.batch);
          return true;
        case "AgencyClose":
          return await this.#closeAgency(request.agency);
        case "ProgressRequest":
          await this.#tellProgress(request.agency);
          return true;
        case "WinnersRequest":
          return await this.#tellWinners(request.agency);
      }
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      return await this.#refuse(error);
    }
  }

  async #store(batch: BetBatch): Promise<void> {
    const { ledger } = this.#context;
    const { agency, count } = batch;
    const expected = this.#expectedBets.get(agency);
    const result = await ledger.append(batch, expected);
    if (result === "stored") {
      if (expected !== undefined) this.#expectedBets.set(agency, expected + count);
      this.#storedBets.set(agency, (this.#storedBets.get(agency) ?? 0) + count);
      this.#context.log.debug("apuestas_almacenadas", "success", { agency, cantidad: count });
      await this.#write(STORE_RESPONSES[STORED]);
    } else {
      const refused = { ip: this.#peer, agency, cantidad: count, error: result.refused };
      this.#context.log.error("apuestas_almacenadas", "fail", refused);
      await this.#write(STORE_RESPONSES[REFUSED]);
    }
  }

  async #closeAgency(agency: number): Promise<boolean> {
    const { ledger, draw, log, announce } = this.#context;
    try {
      const { repeated, complete } = await ledger.close(agency);
      log.info("agency_close", "success", repeated ? { agency, repeated } : { agency });
      if (!complete) return true;
      if (!repeated) await announce();
      await draw.look();
      return true;
    } catch (error) {
      if (error instanceof LedgerError) throw error;
      // There is no answer by which to refuse: the end of the connection tells the agency to try again.
      log.error("agency_close", "fail", { agency, error: (error as Error).message });
      return false;
    }
  }

  async #tellProgress(agency: number): Promise<void> {
    const bets = await this.#storedBetsOf(agency);
    this.#expectedBets.set(agency, bets);
    await this.#write(encodeProgressResponse(bets));
  }

  async #storedBetsOf(agency: number): Promise<number> {
    try {
      return await this.#context.ledger.stored(agency);
    } catch (error) {
      // A connection that ends without a byte of an answer is how servers say that they do not know this
      // packet. This one does: an agency that took it for such a server would begin with its first bet.
      await this.#write(PROGRESS_RESPONSE_HEAD);
      throw error;
    }
  }

  async #tellWinners(agency: number): Promise<boolean> {
    const { draw, ledger, log } = this.#context;
    this.#state = "waiting";
    this.#context.onWaiting(this, true);
    let isDrawn: boolean;
    try {
      isDrawn = await draw.wait(this.#ending.signal);
    } finally {
      this.#context.onWaiting(this, false);
    }
    if (!isDrawn) return false;
    this.#state = "working";
    for (const part of winnersResponse(ledger.winners(agency))) await this.#write(part);
    log.info("send_winners", "success", { agency, ip: this.#peer });
    return true;
  }

  /** Refuses a bad packet. Only a Store packet has an answer for that, and may be followed by others. */
  async #refuse(error: PacketError): Promise<boolean> {
    const action = error.isStore ? "apuestas_almacenadas" : "receive_message";
    this.#context.log.error(action, "fail", { ip: this.#peer, error: error.message });
    if (error.isStore) await this.#write(STORE_RESPONSES[REFUSED]);
    return error.isStore;
  }

  async #refuseTooLong(error: unknown): Promise<void> {
    if (!(error instanceof FrameTooLongError)) throw error;
    this.#state = "working";
    this.#context.log.error("receive_message", "fail", { ip: this.#peer, error: error.message });
    if (isStoreRequest(error.head)) await this.#write(STORE_RESPONSES[REFUSED]);
    await this.#linger();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#state = "answering";
    // Up to here it was the disk that took its time, not the peer.
    this.#activeAt = this.#context.now();
    for (let at = 0; at < bytes.length;) {
      at += await this.#connection.write(bytes.subarray(at, at + PIECE_BYTES));
      this.#activeAt = this.#context.now();
    }
  }

  /**
   * Ends the conversation so that the peer still gets the last answer: closing a socket with unread
   * bytes resets the connection, and a reset throws away what the peer has not read yet.
   */
  async #linger(): Promise<void> {
    await this.#connection.closeWrite();
    const timer = setTimeout(() => this.#close(), LINGER_MS);
    const bytes = new Uint8Array(PIECE_BYTES);
    try {
      for (let total = 0; total < LINGER_BYTES_MAX;) {
        const count = await this.#connection.read(bytes);
        if (count === null) return;
        total += count;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #close(): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort();
    this.#connection.close();
  }

  #logTorn(): void {
    this.#context.log.warning("receive_message", "fail", {
      ip: this.#peer,
      error: `connection ended within a packet; its ${this.#frames.pending} bytes were dropped`,
    });
  }

  #logEnd(error: unknown): void {
    const { message } = error as Error;
    if (error instanceof LedgerError) {
      this.#context.log.error("connection", "fail", { ip: this.#peer, error: message });
    } else this.#context.log.debug("connection", "fail", { ip: this.#peer, error: message });
  }

  #logStored(): void {
    for (const [agency, cantidad] of this.#storedBets) {
      this.#context.log.info("apuestas_almacenadas", "success", { agency, cantidad });
    }
  }
}

/**
 * The answer with an agency's winners, in the parts that are written one after the other. Many documents
 * are not copied: hundreds of clients may ask for megabytes and not read them.
 */
function winnersResponse(documents: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  const parts = [WINNERS_RESPONSE_HEAD, documents, LINE_END];
  if (documents.length > COPIED_BYTES_MAX) return parts;
  const answer = new Uint8Array(WINNERS_RESPONSE_HEAD.length + documents.length + LINE_END.length);
  let at = 0;
  for (const part of parts) {
    answer.set(part, at);
    at += part.length;
  }
  return [answer];
}
