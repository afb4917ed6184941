/**
 * The bets that a soak sends, and how many of them must be stored. They are the same few all the time: what servers
 * keep of bets are counts, and the documents of the few winners.
 *
 * @module
 */

import type { LineConnection } from "../../testing/line_connection.ts";
import { RandomIntegers, sampleBet } from "../../tools/run/sample_bets.ts";

const SEED = 2026;
const PACKETS_MAX = 1000;

const packets = new Map<string, Uint8Array>();

/** Returns a packet of so many bets. Those of the same agency and number are equal. */
export function betPacket(agency: number, count: number): Uint8Array {
  const key = `${count > 1 ? "StoreBatch" : "StoreBet"}:${agency};${count}`;
  let packet = packets.get(key);
  if (packet === undefined) {
    const random = new RandomIntegers(SEED + agency);
    const bets = Array.from({ length: count }, () => {
      const { firstName, lastName, document, birthdate, number } = sampleBet(random);
      return [firstName, lastName, document, birthdate, number].join(";");
    });
    const head = key.slice(0, key.indexOf(";") + 1);
    packet = new TextEncoder().encode(`${head}${bets.join(":")}\n`);
    if (packets.size < PACKETS_MAX) packets.set(key, packet);
  }
  return packet;
}

/** Counts the bets of each agency. */
export class Tally {
  readonly #sent = new Map<number, number>();
  readonly #acknowledged = new Map<number, number>();

  /** Bets leave, and may be stored whatever happens then. */
  sent(agency: number, bets: number): void {
    this.#sent.set(agency, (this.#sent.get(agency) ?? 0) + bets);
  }

  /** Sends bets, of which the server must store all. */
  async store(connection: LineConnection, agency: number, bets: number): Promise<void> {
    this.sent(agency, bets);
    const answer = await connection.ask(betPacket(agency, bets));
    if (answer !== "StoreResponse:0") throw unexpected(answer);
    this.#acknowledged.set(agency, (this.#acknowledged.get(agency) ?? 0) + bets);
  }

  /** Returns what is wrong with the number of an agency's stored bets, if anything is. */
  faultOf(agency: number, stored: number): string[] {
    const sent = this.#sent.get(agency) ?? 0;
    const acknowledged = this.#acknowledged.get(agency) ?? 0;
    if (stored >= acknowledged && stored <= sent) return [];
    return [
      `agency ${agency} has ${stored} bets: ${acknowledged} were acknowledged, ${sent} were sent`,
    ];
  }
}

/** Returns the error of an answer that no server should give. */
export function unexpected(answer: string): Error {
  return new Error(`a server answered ${JSON.stringify(answer)}`);
}
