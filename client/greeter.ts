/**
 * Greets a server: asks for the agency's progress, which only a working server of the right lottery answers.
 *
 * @module
 */

import type { ActionLog } from "../shared/logging.ts";
import { decodeProgressResponse, encodeAgencyRequest } from "../shared/mod.ts";
import { type Connection, ConnectionError } from "./connection.ts";
import { type ProgressKnowledge, RefusedError } from "./progress_knowledge.ts";
import type { Greet } from "./servers.ts";

/** How long a suspect connection must stay open before it is used. */
const STAYS_OPEN_MS = 250;
/** An agency that every lottery has. */
const FIRST_AGENCY = 1;
/** Connections in a row on which a server must answer for agency 1 only, before the client believes it. */
const REFUSALS_MIN = 3;

const LEGACY_ADVICE =
  "If these servers do not know ProgressRequest, give --legacy-server (CLI_LEGACY_SERVER=true)";

/** Options of {@linkcode Greeter}. */
export interface GreeterOptions {
  /** The agency's number. */
  agency: number;
  knowledge: ProgressKnowledge;
  log: ActionLog;
}

/** Greets servers for one agency. */
export class Greeter {
  readonly #options: GreeterOptions;
  readonly #request: Uint8Array<ArrayBuffer>;
  readonly #counts = new WeakMap<Connection, number>();

  constructor(options: GreeterOptions) {
    this.#options = options;
    this.#request = encodeAgencyRequest("ProgressRequest", options.agency);
  }

  /**
   * Connects, and asks how many bets of the agency are stored, unless the servers are `legacy`.
   *
   * @throws {RefusedError} If the servers' lottery does not have the agency.
   */
  readonly greet: Greet = async (open) => {
    const { knowledge } = this.#options;
    if (knowledge.servers === "legacy") return await open();
    try {
      return await this.#greet(open);
    } catch (error) {
      if (!(error instanceof ConnectionError) || knowledge.servers === "counting") throw error;
      if (knowledge.connectionFailed(error.failure) !== "legacy") throw withAdvice(error);
      this.#logLegacy();
      return await open();
    }
  };

  /**
   * Returns how many bets were stored when the connection was made. Returns nothing at the second call, or if
   * the server is `legacy`.
   */
  takeCount(connection: Connection): number | undefined {
    const count = this.#counts.get(connection);
    this.#counts.delete(connection);
    return count;
  }

  async #greet(open: () => Promise<Connection>): Promise<Connection> {
    const { agency, knowledge } = this.#options;
    const connection = await open();
    if (knowledge.isNextSuspect) await connection.requireOpen(STAYS_OPEN_MS);
    try {
      this.#counts.set(connection, await connection.ask(this.#request, decodeProgressResponse));
      return connection;
    } catch (error) {
      const isClosed = error instanceof ConnectionError && error.failure === "closed";
      const isKnown = agency === FIRST_AGENCY || knowledge.servers !== "unknown";
      if (!isClosed || isKnown) throw error;
      return await this.#greetAfterFirstAgency(open);
    }
  }

  /**
   * Finds out why a server closed the connection. A server does so for an agency that its lottery lacks, but
   * also when it stops, and a load balancer does so when it has no server. So this asks for agency 1 and for this
   * one on the same connection: only a server that knows the first and not the second answers once.
   */
  async #greetAfterFirstAgency(open: () => Promise<Connection>): Promise<Connection> {
    const first = {
      packet: encodeAgencyRequest("ProgressRequest", FIRST_AGENCY),
      decode: decodeProgressResponse,
    };
    const second = { packet: this.#request, decode: decodeProgressResponse };
    for (let refusals = 0; refusals < REFUSALS_MIN;) {
      const connection = await open();
      try {
        this.#counts.set(connection, await connection.askAfter(first, second));
        return connection;
      } catch (error) {
        if (!(error instanceof ConnectionError) || error.failure !== "refused") throw error;
        refusals++;
      }
    }
    const { agency } = this.#options;
    throw new RefusedError(
      `Cannot take part as agency ${agency}: the servers answer for agency 1 but not for ${agency}: check ` +
        "--id (CLI_ID), and AGENCIES_AMOUNT in the servers' settings, which is the highest number",
    );
  }

  #logLegacy(): void {
    const { agency, log } = this.#options;
    const reason = "the server does not know ProgressRequest, or does not know this agency: " +
      "sending from the first bet on, one packet per connection";
    log.warning("progress", "fail", { agency, error: reason });
  }
}

function withAdvice(error: ConnectionError): ConnectionError {
  if (error.failure !== "closed") return error;
  return new ConnectionError("closed", error.message, { cause: error, advice: LEGACY_ADVICE });
}
