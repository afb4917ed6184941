/**
 * SCRAM-SHA-256 (RFC 5802, RFC 7677): two sides that share a key prove to each other that they know it, and nobody
 * who listens learns it. The server keeps a {@linkcode Verifier} instead of the key: its reader cannot pose as the
 * client.
 *
 * Nothing here opens a socket: messages are texts. Without channel binding, because Deno tells programs nothing of
 * the TLS channel below.
 *
 * @module
 */

import { equalInConstantTime } from "./bytes.ts";

/** The fewest iterations that RFC 7677 allows, and enough for keys of 256 random bits. */
export const ITERATIONS = 4096;
/** A server could keep a client busy with more. */
const ITERATIONS_MAX = 1_000_000;
/** "I do not support channel binding", in the first message and, in Base64, in the last. */
const GS2_HEADER = "n,,";
const HASH_BYTES = 32;
const SALT_BYTES = 16;
const NONCE_BYTES = 18;
/** Printable ASCII without a comma. */
const NONCE = "[!-+\\--~]{1,128}";

const encoder = new TextEncoder();

/** What a server stores of a key. */
export interface Verifier {
  salt: Uint8Array<ArrayBuffer>;
  iterations: number;
  /** Recognizes the client. */
  storedKey: Uint8Array<ArrayBuffer>;
  /** Proves to the client that this is a server which knows its verifier. */
  serverKey: Uint8Array<ArrayBuffer>;
}

/** A message breaks the rules of the exchange. */
export class ScramError extends Error {
  override name = "ScramError";
}

/** Returns a random text for one exchange: it makes a recorded one useless. */
export function randomNonce(): string {
  return toBase64(crypto.getRandomValues(new Uint8Array(NONCE_BYTES)));
}

/** Returns what a server stores of a key, with a salt of its own. */
export async function makeVerifier(
  key: string,
  { salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES)), iterations = ITERATIONS }: Partial<
    Pick<Verifier, "salt" | "iterations">
  > = {},
): Promise<Verifier> {
  const { clientKey, serverKey } = await saltKey(key, { salt, iterations });
  return { salt, iterations, storedKey: await sha256(clientKey), serverKey };
}

/** A client's exchange that has begun. */
export interface ClientExchange {
  /** The first message. */
  first: string;
  /**
   * Answers the server's challenge.
   *
   * @throws {ScramError} If it is malformed, answers another exchange, or asks for too few iterations or too many.
   */
  answer(challenge: string): Promise<ClientProof>;
}

/** A client's answer to a challenge. */
export interface ClientProof {
  /** The last message. */
  final: string;
  /** Returns whether the server's last message proves that the server knows the verifier of the key. */
  isServer(message: string): boolean;
}

/** Options of {@linkcode beginClient}. */
export interface ClientOptions {
  /** Who the client is. It must contain neither `,` nor `=`. */
  name: string;
  key: string;
  /** @default {randomNonce()} */
  nonce?: string;
}

/**
 * Begins an exchange as the client.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { beginClient, beginServer, makeVerifier } from "./scram.ts";
 *
 * const key = "a key that both have agreed on";
 * const verifier = await makeVerifier(key);
 * const client = beginClient({ name: "3", key });
 * const server = beginServer(client.first);
 * const challenge = server.challenge(verifier);
 * const proof = await client.answer(challenge.message);
 * const welcome = await challenge.check(proof.final);
 * assert(welcome !== undefined && proof.isServer(welcome));
 * ```
 */
export function beginClient({ name, key, nonce = randomNonce() }: ClientOptions): ClientExchange {
  const bare = `n=${name},r=${nonce}`;
  return {
    first: `${GS2_HEADER}${bare}`,
    async answer(challenge) {
      const match = new RegExp(`^r=(${NONCE}),s=([^,]+),i=(\\d{1,9})$`).exec(challenge);
      if (match === null) throw new ScramError("the challenge is malformed");
      const [, bothNonces, saltText, iterationsText] = match;
      const salt = fromBase64(saltText);
      const iterations = Number(iterationsText);
      if (salt === undefined) throw new ScramError("the challenge has no valid salt");
      if (!bothNonces.startsWith(nonce) || bothNonces === nonce) {
        throw new ScramError("the challenge belongs to another exchange");
      }
      if (iterations < ITERATIONS || iterations > ITERATIONS_MAX) {
        throw new ScramError(
          `the challenge asks for ${iterations} iterations: at least ${ITERATIONS} are safe, and at most ` +
            `${ITERATIONS_MAX} are made`,
        );
      }
      const { clientKey, serverKey } = await saltKey(key, { salt, iterations });
      const withoutProof = finalWithoutProof(bothNonces);
      const message = `${bare},${challenge},${withoutProof}`;
      const signature = await hmac(await sha256(clientKey), message);
      const serverFinal = `v=${toBase64(await hmac(serverKey, message))}`;
      return {
        final: `${withoutProof},p=${toBase64(xor(clientKey, signature))}`,
        isServer: (text) => equalInConstantTime(encoder.encode(text), encoder.encode(serverFinal)),
      };
    },
  };
}

/** A server's exchange that has begun. */
export interface ServerExchange {
  /** Who the client says it is. */
  name: string;
  /** Challenges the client. @param nonce @default {randomNonce()} */
  challenge(verifier: Verifier, nonce?: string): ServerChallenge;
}

/** A server's challenge. */
export interface ServerChallenge {
  /** The message with the challenge. */
  message: string;
  /**
   * Checks the client's last message.
   *
   * @returns The server's last message; nothing if the client does not know the key.
   */
  check(final: string): Promise<string | undefined>;
}

/**
 * Begins an exchange as the server.
 *
 * @throws {ScramError} If the client's first message is malformed, or asks for what is not supported.
 */
export function beginServer(first: string): ServerExchange {
  const match = new RegExp(`^${GS2_HEADER}(n=([^,=]{1,32}),r=(${NONCE}))$`).exec(first);
  if (match === null) throw new ScramError("the first message is malformed");
  const [, bare, name, clientNonce] = match;
  return {
    name,
    challenge({ salt, iterations, storedKey, serverKey }, nonce = randomNonce()) {
      const bothNonces = clientNonce + nonce;
      const message = `r=${bothNonces},s=${toBase64(salt)},i=${iterations}`;
      return {
        message,
        async check(final) {
          const withoutProof = finalWithoutProof(bothNonces);
          const [head, proofText] = final.split(",p=");
          const proof = fromBase64(proofText ?? "");
          if (head !== withoutProof || proof?.length !== HASH_BYTES) return undefined;
          const exchanged = `${bare},${message},${withoutProof}`;
          const clientKey = xor(proof, await hmac(storedKey, exchanged));
          if (!equalInConstantTime(await sha256(clientKey), storedKey)) return undefined;
          return `v=${toBase64(await hmac(serverKey, exchanged))}`;
        },
      };
    },
  };
}

/** Encodes bytes in Base64. */
export function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** Decodes Base64; returns nothing if it is anything else. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    // atob() accepts missing padding, spaces and surplus bits.
    return toBase64(bytes) === text ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/** Returns HMAC-SHA-256. */
export async function hmac(
  key: Uint8Array<ArrayBuffer>,
  text: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, encoder.encode(text)));
}

function finalWithoutProof(bothNonces: string): string {
  return `c=${btoa(GS2_HEADER)},r=${bothNonces}`;
}

async function saltKey(key: string, { salt, iterations }: Pick<Verifier, "salt" | "iterations">) {
  const imported = await crypto.subtle.importKey("raw", encoder.encode(key), "PBKDF2", false, [
    "deriveBits",
  ]);
  const algorithm = { name: "PBKDF2", hash: "SHA-256", salt, iterations };
  const bits = await crypto.subtle.deriveBits(algorithm, imported, 8 * HASH_BYTES);
  const salted = new Uint8Array(bits);
  const [clientKey, serverKey] = await Promise.all([
    hmac(salted, "Client Key"),
    hmac(salted, "Server Key"),
  ]);
  return { clientKey, serverKey };
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

function xor(one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(one, (byte, index) => byte ^ other[index]);
}
