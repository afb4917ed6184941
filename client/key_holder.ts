/**
 * Proves to servers that this client is its agency, and makes sure that they are servers of its lottery.
 *
 * @module
 */

import { NOT_ADMITTED } from "../shared/answers.ts";
import { decodeAuthPacket, encodeAuthPacket } from "../shared/auth_packets.ts";
import { beginClient, ScramError } from "../shared/scram.ts";
import { type Connection, ConnectionError } from "./connection.ts";
import { RefusedError } from "./progress_knowledge.ts";

/** A server delays addresses that have failed before by up to ten seconds. */
const VERDICT_MS = 15_000;
const ANSWER_BYTES_MAX = 512;
/** Refusals in a row after which the client gives up: one server may not know a new key yet. */
const REFUSALS_MAX = 3;

/** Options of {@linkcode KeyHolder}. */
export interface KeyHolderOptions {
  agency: number;
  /** Returns the agency's key, which may change in the meantime. */
  readKey: () => string;
}

/** Holds the key of an agency. */
export class KeyHolder {
  readonly #options: KeyHolderOptions;
  #refusals = 0;

  constructor(options: KeyHolderOptions) {
    this.#options = options;
  }

  /**
   * Exchanges proofs over a connection on which nothing has been sent yet. It must be one over TLS.
   *
   * @throws {ConnectionError} If another server may admit this client, or prove that it is one.
   * @throws {RefusedError} If servers have refused the key repeatedly.
   */
  async introduce(connection: Connection): Promise<void> {
    try {
      await this.#exchange(connection);
      this.#refusals = 0;
    } catch (error) {
      if (error instanceof ScramError) {
        throw new ConnectionError("broken", `the server cannot prove who it is: ${error.message}`);
      }
      if (!(error instanceof ConnectionError) || error.failure !== "closed") throw error;
      // This does not show that the server is of an earlier version, so it must not count as such.
      throw new ConnectionError(
        "broken",
        "the server closed the connection instead of admitting this client: it stops, or has no AGENCY_KEYS",
        { cause: error },
      );
    }
  }

  async #exchange(connection: Connection): Promise<void> {
    const exchange = beginClient({ name: String(this.#options.agency), key: this.#readKey() });
    const challenge = await connection.ask(
      encodeAuthPacket("AuthRequest", exchange.first),
      (line) => decodeAuthPacket("AuthChallenge", line),
      { bytesMax: ANSWER_BYTES_MAX },
    );
    const proof = await exchange.answer(challenge);
    const verdict = await connection.ask(
      encodeAuthPacket("AuthProof", proof.final),
      (line) => decodeAuthPacket("AuthResponse", line),
      { bytesMax: ANSWER_BYTES_MAX, timeoutMs: VERDICT_MS },
    );
    if (verdict === NOT_ADMITTED) throw this.#refusal();
    if (proof.isServer(verdict)) return;
    throw new ConnectionError(
      "broken",
      "the server cannot prove that it knows the key of this agency: it is not a server of this lottery",
    );
  }

  #readKey(): string {
    try {
      return this.#options.readKey();
    } catch (cause) {
      // Somebody may be replacing it.
      const { message } = cause as Error;
      throw new ConnectionError("broken", `the key of the agency cannot be read: ${message}`, {
        cause,
      });
    }
  }

  #refusal(): Error {
    const { agency } = this.#options;
    const reason = `the server does not admit this client as agency ${agency}`;
    if (++this.#refusals < REFUSALS_MAX) return new ConnectionError("broken", reason);
    return new RefusedError(
      `Cannot take part as agency ${agency}: ${reason}: compare --id (CLI_ID) and the key in CLI_KEY_FILE or ` +
        "CLI_KEY with what ./denow task keys has printed, or ask the lottery's operator for a new key",
    );
  }
}
