/**
 * Encodes and decodes the packets that servers send, as packets.ts does with those of agencies.
 *
 * @module
 */

import { startsWith } from "./bytes.ts";
import { PacketError, quoteLine } from "./packets.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** `StoreResponse:0`: all bets of the packet are durable. */
export const STORED = 0;
/** `StoreResponse:1`: none of the bets is stored. */
export const REFUSED = 1;
/** The status of a StoreResponse. */
export type StoreStatus = typeof STORED | typeof REFUSED;

const STORED_LINE = encoder.encode(`StoreResponse:${STORED}`);

/** Which bets of an agency are stored. */
export interface BetsDigest {
  /** How many there are. */
  bets: number;
  /** SHA-256, in lower-case hexadecimal, of their rows as in bets.csv, line feeds included, in order. */
  sha256: string;
}

/** All that a server says of why it does not admit a peer: the message of an AuthResponse. */
export const NOT_ADMITTED = "e=not-admitted";

/** Encodes `StoreResponse:status`, including its line end. */
export function encodeStoreResponse(status: StoreStatus): Uint8Array<ArrayBuffer> {
  return encoder.encode(`StoreResponse:${status}\n`);
}

/** Encodes `ProgressResponse:n`, including its line end. */
export function encodeProgressResponse(bets: number): Uint8Array<ArrayBuffer> {
  return encoder.encode(`ProgressResponse:${bets}\n`);
}

/** Encodes a DigestResponse, including its line end. */
export function encodeDigestResponse({ bets, sha256 }: BetsDigest): Uint8Array<ArrayBuffer> {
  return encoder.encode(`DigestResponse:${bets};${sha256}\n`);
}

/** What precedes the number in a ProgressResponse. */
export const PROGRESS_RESPONSE_HEAD: Uint8Array<ArrayBuffer> = encoder.encode("ProgressResponse:");

/** What precedes the number in a DigestResponse. */
export const DIGEST_RESPONSE_HEAD: Uint8Array<ArrayBuffer> = encoder.encode("DigestResponse:");

/** What precedes the documents in a WinnersResponse. A `;` separates them; a line end follows. */
export const WINNERS_RESPONSE_HEAD: Uint8Array<ArrayBuffer> = encoder.encode("WinnersResponse:");

/**
 * Decodes the answer to a Store packet.
 *
 * @throws {PacketError} If the line is anything else.
 */
export function decodeStoreResponse(line: Uint8Array): StoreStatus {
  // Nearly every answer is this one, and a client waits for each.
  if (line.length === STORED_LINE.length && startsWith(line, STORED_LINE)) return STORED;
  const status = Number(answerRest(line, "StoreResponse", /^[01]$/));
  return status === 0 ? STORED : REFUSED;
}

/**
 * Decodes the answer to a ProgressRequest: how many bets of the agency are durable.
 *
 * @throws {PacketError} If the line is anything else.
 */
export function decodeProgressResponse(line: Uint8Array): number {
  return Number(answerRest(line, "ProgressResponse", /^\d{1,15}$/));
}

/**
 * Decodes the answer to a DigestRequest: which bets of the agency are stored.
 *
 * @throws {PacketError} If the line is anything else.
 */
export function decodeDigestResponse(line: Uint8Array): BetsDigest {
  const [bets, sha256] = answerRest(line, "DigestResponse", /^\d{1,15};[0-9a-f]{64}$/).split(";");
  return { bets: Number(bets), sha256 };
}

/**
 * Decodes the answer to a WinnersRequest: the documents of the agency's winners, in the order in
 * which the bets were stored. There may be none.
 *
 * @throws {PacketError} If the line is anything else.
 */
export function decodeWinnersResponse(line: Uint8Array): string[] {
  const documents = answerRest(line, "WinnersResponse", /^[^:]*$/);
  return documents === "" ? [] : documents.split(";");
}

/** Returns whether a line says that the server does not admit its peer. */
export function isNotAdmitted(line: Uint8Array): boolean {
  return decoder.decode(line) === `AuthResponse:${NOT_ADMITTED}`;
}

/** The part of an answer after its type. */
function answerRest(line: Uint8Array, type: string, pattern: RegExp): string {
  const text = decoder.decode(line);
  const rest = text.slice(type.length + 1);
  if (text.startsWith(`${type}:`) && pattern.test(rest)) return rest;
  throw new PacketError(`Cannot read answer: ${quoteLine(line)} is not a valid ${type}`);
}
