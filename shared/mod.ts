/**
 * The lottery's protocol: bets and their rules, packets, and framing. docs/protocol.md is its
 * specification.
 *
 * An agency talks to any of the servers over TCP. A packet is one line of UTF-8, `Type:rest`, that
 * ends with `\n`. The agency sends its bets with StoreBet and StoreBatch; a StoreResponse of 0
 * means that all bets of the packet are durable, one of 1 that none of them is stored. After its
 * last bet the agency sends AgencyClose. WinnersRequest asks for its winners; the answer,
 * WinnersResponse, arrives once every agency has closed. ProgressRequest asks how many bets of the
 * agency are stored, so that an agency that lost its connection knows where to continue, and
 * DigestRequest asks which ones, so that it can compare them with its own. A server answers the
 * packets of a connection in order.
 *
 * Nothing here opens a socket: {@linkcode FrameBuffer} cuts a stream into lines, and the functions
 * `encode…` and `decode…` turn lines into values and back.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import {
 *   BetDecoder,
 *   dayNumber,
 *   decodeRequest,
 *   decodeStoreResponse,
 *   encodeBetFields,
 *   encodeStoreHead,
 *   encodeStoreResponse,
 *   FrameBuffer,
 *   STORED,
 * } from "./mod.ts";
 *
 * // Agency 1 encodes a bet.
 * const ana = { firstName: "Ana", lastName: "Paz", document: "30123456" };
 * const bet = { ...ana, birthdate: "1990-05-30", number: 7574 };
 * const packet = [...encodeStoreHead("StoreBatch", 1), ...encodeBetFields(bet), 0x0a];
 *
 * // The server takes the line from its stream and checks it.
 * const frames = new FrameBuffer(8192);
 * frames.space().set(packet);
 * frames.filled(packet.length);
 * const rules = { agencies: 5, today: dayNumber(Date.now()) };
 * const decoder = new BetDecoder("packet");
 * const request = decodeRequest(frames.take()!, rules, decoder);
 * assertEquals(request.type === "StoreBatch" && request.batch.count, 1);
 *
 * // Once the bet is durable it answers.
 * const answer = encodeStoreResponse(STORED);
 * assertEquals(new TextDecoder().decode(answer), "StoreResponse:0\n");
 * assertEquals(decodeStoreResponse(answer.subarray(0, -1)), STORED);
 * ```
 *
 * @module
 */

export {
  AGENCIES_MAX,
  AGENCY_DIGITS_MAX,
  type Bet,
  BET_FIELDS,
  type BetFault,
  BetScanner,
  BIRTHDATE_BYTES,
  dayNumber,
  describeFault,
  DOCUMENT_BYTES_MAX,
  NAME_BYTES_MAX,
  NUMBER_DIGITS_MAX,
  NUMBER_MAX,
} from "./bet.ts";
export { FrameBuffer, FrameTooLongError } from "./framing.ts";
export {
  type BetsDigest,
  decodeDigestResponse,
  decodeProgressResponse,
  decodeStoreResponse,
  decodeWinnersResponse,
  DIGEST_RESPONSE_HEAD,
  encodeDigestResponse,
  encodeProgressResponse,
  encodeStoreResponse,
  PROGRESS_RESPONSE_HEAD,
  REFUSED,
  STORED,
  type StoreStatus,
  WINNERS_RESPONSE_HEAD,
} from "./answers.ts";
export {
  type AgencyRequestType,
  BET_BYTES_MAX,
  BetBatch,
  BetDecoder,
  type BetNotation,
  decodeRequest,
  type DecodeRules,
  encodeAgencyRequest,
  encodeBetFields,
  encodeStoreHead,
  isStoreRequest,
  PACKET_BYTES_MIN,
  PacketError,
  type Request,
  REQUEST_TYPES,
  type RequestType,
  STORE_BET_BYTES_MAX,
} from "./packets.ts";
