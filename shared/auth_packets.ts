/**
 * The packets by which an agency and a server prove to each other who they are, before any other packet of a
 * connection. Each carries one message of SCRAM-SHA-256 (scram.ts). docs/protocol.md specifies them.
 *
 * @module
 */

import { PacketError, quoteLine } from "./packets.ts";

/** Longest of these packets, in bytes, line end included. */
export const AUTH_PACKET_BYTES_MAX = 512;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The types of packet with which a connection begins where agencies have keys. */
export const AUTH_TYPES = ["AuthRequest", "AuthChallenge", "AuthProof", "AuthResponse"] as const;
/** One of these types. */
export type AuthType = (typeof AUTH_TYPES)[number];

/** Encodes a packet, including its line end. */
export function encodeAuthPacket(type: AuthType, message: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(`${type}:${message}\n`);
}

/**
 * Decodes a packet, given without its line end. Returns its message.
 *
 * @throws {PacketError} If the line is anything else, or too long.
 */
export function decodeAuthPacket(type: AuthType, line: Uint8Array): string {
  const head = `${type}:`;
  const text = decoder.decode(line.subarray(0, AUTH_PACKET_BYTES_MAX));
  const isValid = line.length < AUTH_PACKET_BYTES_MAX && /^[!-~]+$/.test(text);
  if (isValid && text.startsWith(head) && text !== head) return text.slice(head.length);
  throw new PacketError(`Cannot read packet: ${quoteLine(line)} is not a valid ${type}`);
}
