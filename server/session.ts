/**
 * A session: one connection, from its first packet to its end. It reads a packet, answers it, and only then
 * looks at the next.
 *
 * @module
 */

import {
  type BetBatch,
  decodeRequest,
  type DecodeRules,
  DIGEST_RESPONSE_HEAD,
  encodeDigestResponse,
  encodeProgressResponse,
  encodeStoreResponse,
  FrameBuffer,
  FrameTooLongError,
  isStoreRequest,
  PacketError,
  PROGRESS_RESPONSE_HEAD,
  REFUSED,
  type Request,
  STORED,
  WINNERS_RESPONSE_HEAD,
} from "../shared/mod.ts";
import type { AgencySpeaker } from "./agency_connections.ts";
import { drain } from "./drain.ts";
import type { Draw } from "./ledger/ledger.ts";
import { PeerWatch } from "./peer_watch.ts";
import { type Admit, agencyOf, SessionAdmission } from "./session_admission.ts";
import { SessionBets } from "./session_bets.ts";
import type { SessionContext } from "./session_context.ts";
import type { Connection } from "./transport/entrance.ts";
import { winnersResponse } from "./winners_response.ts";

const STORE_RESPONSES = [encodeStoreResponse(STORED), encodeStoreResponse(REFUSED)];
/** A long answer is written in pieces, to distinguish a slow reader from a stalled one. */
const PIECE_BYTES = 64 * 1024;

/**
 * What a session does, for the rules about places.
 *
 * - `resting`: the next packet has not begun.
 * - `reading`: its peer has not sent all of a packet yet.
 * - `writing`: its peer has not taken all of an answer yet.
 * - `working`: anything else.
 */
export type Activity = "resting" | "reading" | "writing" | "working";

/** The state of a session. */
type State = "reading" | "working" | "answering" | "waiting" | "ended";

/** What follows an answer. */
type Next =
  | "read"
  /** The conversation is over. The peer may still be sending, and must get the last answer. */
  | "linger"
  /** The connection ends without an answer. */
  | "close";

/** The conversation over one connection. */
export class Session {
  readonly #connection: Connection;
  readonly #context: SessionContext;
  readonly #peer: string;
  readonly #frames: FrameBuffer;
  readonly #watch: PeerWatch;
  readonly #ending = new AbortController();
  readonly #admission: SessionAdmission;
  readonly #bets: SessionBets;
  /** Nothing if agencies may have any number of connections. */
  readonly #speaker: AgencySpeaker | undefined;
  #state: State = "reading";
  #isStopping = false;
  #mustLeave = false;
  #activeAt: number;

  /** @param admit Decides whether the peer may send packets, and for which agency. @default {any may, for all} */
  constructor(connection: Connection, peer: string, context: SessionContext, admit?: Admit) {
    this.#connection = connection;
    this.#peer = peer;
    this.#context = context;
    this.#admission = new SessionAdmission(admit);
    this.#frames = new FrameBuffer(context.packetBytesMax);
    this.#bets = new SessionBets(peer, context);
    this.#speaker = context.agencyConnections?.open(peer);
    this.#watch = new PeerWatch(connection, {
      frames: this.#frames,
      pendingBytesMax: context.packetBytesMax,
      answerHead: WINNERS_RESPONSE_HEAD,
      onGone: () => this.#endWait(),
    });
    this.#activeAt = context.now();
  }

  /** Converses until the peer or the server ends it. Never throws. */
  async run(): Promise<void> {
    try {
      await this.#converse();
    } catch (error) {
      if (!this.#ending.signal.aborted) this.#logBroken(error);
    } finally {
      this.#state = "ended";
      this.#close();
      this.#admission[Symbol.dispose]();
      this.#bets.log();
      this.#speaker?.[Symbol.dispose]();
    }
  }

  /**
   * Ends the session: at once if it is between packets or waits for the draw, else after it has answered the
   * current packet.
   */
  stop(): void {
    this.#isStopping = true;
    if (this.#state === "reading" || this.#state === "waiting") this.#close();
  }

  /** Ends the session at once, whatever it is doing. */
  abort(): void {
    this.#close();
  }

  /** What the session is doing. */
  get activity(): Activity {
    if (this.#state === "answering") return "writing";
    if (this.#state !== "reading") return "working";
    return this.#frames.pending === 0 ? "resting" : "reading";
  }

  /** When the session last began to read a packet, or wrote a part of an answer. */
  get activeAt(): number {
    return this.#activeAt;
  }

  /** Ends the session after the current packet's answer. The peer receives that answer. */
  leave(): void {
    this.#mustLeave = true;
  }

  /**
   * Ends the session if its peer has kept it waiting since before `timeMs`: for the rest of a packet, or to
   * take an answer. A session that waits for the draw or for the ledger is not idle.
   */
  endIfIdleSince(timeMs: number): void {
    const isForPeer = this.#state === "reading" || this.#state === "answering";
    if (!isForPeer || this.#ending.signal.aborted || this.#activeAt >= timeMs) return;
    this.#context.log.info("connection", "fail", { ip: this.#peer, error: "idle for too long" });
    this.#close();
  }

  async #converse(): Promise<void> {
    const isAdmitted = await this.#admission.enter({
      nextLine: () => this.#nextLine(),
      write: (bytes) => this.#write(bytes).then(() => this.#awaitPacket()),
      signal: this.#ending.signal,
      onRevoked: () => this.stop(),
    });
    if (!isAdmitted) return await this.#linger();
    for (;;) {
      const line = await this.#nextLine();
      if (line === undefined || this.#isStopping) return;
      this.#state = "working";
      const next = await this.#answer(line);
      if (next === "linger") return await this.#linger();
      if (next === "close" || this.#isStopping) return;
      if (this.#mustLeave) return await this.#linger();
      this.#awaitPacket();
    }
  }

  #awaitPacket(): void {
    this.#activeAt = this.#context.now();
    this.#state = "reading";
  }

  /** Reads the next packet; returns nothing when the peer has sent its last one. */
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
      const count = await this.#watch.read();
      if (count === null) {
        if (this.#frames.pending > 0) this.#logTorn();
        return undefined;
      }
      this.#frames.filled(count);
    }
  }

  async #answer(line: Uint8Array): Promise<Next> {
    try {
      const { agencies, decoder, today } = this.#context;
      const rules: DecodeRules = { agencies, today: today() };
      const request = decodeRequest(line, rules, decoder);
      this.#admission.requireOwn(request);
      if (this.#speaker?.speak(agencyOf(request)) === false) {
        return await this.#refuseAgency(request);
      }
      switch (request.type) {
        case "StoreBet":
        case "StoreBatch":
          return await this.#store(request.batch);
        case "AgencyClose":
          return await this.#closeAgency(request.agency);
        case "ProgressRequest":
          return await this.#sendProgress(request.agency);
        case "DigestRequest":
          return await this.#sendDigest(request.agency);
        case "WinnersRequest":
          return await this.#sendWinners(request.agency);
      }
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      return await this.#refuse(error);
    }
  }

  async #store(batch: BetBatch): Promise<Next> {
    const { ledger, log } = this.#context;
    const { agency, count } = batch;
    if (!await this.#takeTurn(agency, count)) return "close";
    const result = await ledger.append(batch, this.#bets.expected(agency));
    if (result.status === "stored") {
      this.#bets.add(agency, count);
      log.debug("apuestas_almacenadas", "success", { agency, cantidad: count });
      await this.#write(STORE_RESPONSES[STORED]);
      return "read";
    }
    const details = { ip: this.#peer, agency, cantidad: count, error: result.reason };
    log.error("apuestas_almacenadas", "fail", details);
    if (result.status === "unknown") return "close";
    this.#bets.refuse(agency);
    await this.#write(STORE_RESPONSES[REFUSED]);
    return "read";
  }

  /** Waits until the agency may send as many bets. Returns whether the session goes on. */
  async #takeTurn(agency: number, bets: number): Promise<boolean> {
    const turn = this.#context.rates?.take(agency, bets, this.#ending.signal);
    if (turn === undefined) return true;
    // Nothing is stored yet: a server that stops ends the connection, and the agency continues elsewhere.
    this.#state = "waiting";
    const isTurn = await turn;
    this.#state = "working";
    return isTurn;
  }

  async #closeAgency(agency: number): Promise<Next> {
    const { audit, ledger, log } = this.#context;
    const close = () => ledger.close(agency);
    const result = await (audit?.close({ address: this.#peer, agency }, close) ?? close());
    if (result.status === "closed") {
      const { repeated } = result;
      log.info("agency_close", "success", repeated ? { agency, repeated } : { agency });
      return "read";
    }
    // AgencyClose has no answer that could refuse it: the end of the connection asks the agency to retry.
    log.error("agency_close", "fail", { agency, error: result.reason });
    return "linger";
  }

  async #sendProgress(agency: number): Promise<Next> {
    const result = await this.#context.ledger.progress(agency);
    if (result.status !== "known") return await this.#failQuery(PROGRESS_RESPONSE_HEAD, result);
    const isKept = this.#bets.expect(agency, result.bets);
    await this.#write(encodeProgressResponse(result.bets));
    return isKept ? "read" : "linger";
  }

  async #sendDigest(agency: number): Promise<Next> {
    const result = await this.#context.ledger.digest(agency);
    if (result.status !== "known") return await this.#failQuery(DIGEST_RESPONSE_HEAD, result);
    const isKept = this.#bets.expect(agency, result.bets);
    await this.#write(encodeDigestResponse(result));
    return isKept ? "read" : "linger";
  }

  /**
   * Ends the connection within an answer: an older server that does not know the packet ends it without a byte. An
   * agency that mistook this server for one of those would start from its first bet.
   */
  async #failQuery(head: Uint8Array, { reason }: { reason: string }): Promise<Next> {
    await this.#write(head);
    this.#context.log.error("connection", "fail", { ip: this.#peer, error: reason });
    return "close";
  }

  async #sendWinners(agency: number): Promise<Next> {
    this.#watch.start();
    const draw = await this.#waitForDraw(agency);
    // The peer may be slow to take the bytes of the watch.
    this.#state = "answering";
    this.#activeAt = this.#context.now();
    const sentBytes = await this.#watch.stop();
    this.#state = "working";
    if (draw === undefined) return "close";
    for await (const piece of winnersResponse(draw.winners(agency), sentBytes)) {
      await this.#write(piece);
    }
    this.#context.log.info("send_winners", "success", { agency, ip: this.#peer });
    return "read";
  }

  async #waitForDraw(agency: number): Promise<Draw | undefined> {
    this.#state = "waiting";
    this.#context.onWaiting(this, agency);
    try {
      return await this.#context.draw.wait(this.#ending.signal);
    } finally {
      this.#context.onWaiting(this, undefined);
    }
  }

  #endWait(): void {
    if (this.#ending.signal.aborted) return;
    const error = "the peer is gone while it waits for the draw";
    this.#context.log.debug("connection", "fail", { ip: this.#peer, error });
    this.#close();
  }

  /** Refuses an invalid packet. Only a Store packet has an answer for that, and may be followed by others. */
  async #refuse(error: PacketError): Promise<Next> {
    this.#context.onInvalid();
    const action = error.isStore ? "apuestas_almacenadas" : "receive_message";
    this.#context.log.error(action, "fail", { ip: this.#peer, error: error.message });
    // It may be a person's name or document.
    const { sent } = error;
    if (sent !== undefined) this.#context.log.debug(action, "fail", { ip: this.#peer, sent });
    if (!error.isStore) return "linger";
    await this.#write(STORE_RESPONSES[REFUSED]);
    return "read";
  }

  /** Refuses a packet of an agency that has too many connections, and ends this one. */
  async #refuseAgency(request: Request): Promise<Next> {
    if ("batch" in request) await this.#write(STORE_RESPONSES[REFUSED]);
    // Not a server that does not know the packet: see #failQuery().
    if (request.type === "ProgressRequest") await this.#write(PROGRESS_RESPONSE_HEAD);
    if (request.type === "DigestRequest") await this.#write(DIGEST_RESPONSE_HEAD);
    return "linger";
  }

  async #refuseTooLong(error: unknown): Promise<void> {
    if (!(error instanceof FrameTooLongError)) throw error;
    this.#state = "working";
    this.#context.onInvalid();
    this.#context.log.error("receive_message", "fail", { ip: this.#peer, error: error.message });
    if (isStoreRequest(error.head)) await this.#write(STORE_RESPONSES[REFUSED]);
    await this.#linger();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#state = "answering";
    // Until now the peer was waiting for the disk.
    this.#activeAt = this.#context.now();
    for (let at = 0; at < bytes.length;) {
      at += await this.#connection.write(bytes.subarray(at, at + PIECE_BYTES));
      // What follows the last piece asks for the time again.
      if (at < bytes.length) this.#activeAt = this.#context.now();
    }
  }

  /**
   * Ends the conversation so that the peer still receives the last answer: closing a socket with unread bytes
   * resets the connection, and a reset discards what the peer has not read yet.
   */
  async #linger(): Promise<void> {
    this.#context.onLinger(this);
    await this.#connection.closeWrite();
    await drain({ read: (bytes) => this.#watch.read(bytes), close: () => this.#close() });
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

  #logBroken(error: unknown): void {
    const details = { ip: this.#peer, error: (error as Error).message };
    this.#context.log.debug("connection", "fail", details);
  }
}
