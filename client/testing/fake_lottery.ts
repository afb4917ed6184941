/**
 * A fake lottery, for the client's tests.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Handler, Reaction } from "./fake_network.ts";

/** Servers that share one in-memory ledger, for one agency. They keep bets as real servers do. */
export class FakeLottery {
  /** The stored bets, as packets carry them. */
  bets: string[] = [];
  isClosed = false;
  winners = "";
  /** Whether the servers know DigestRequest. Others close the connection. */
  hasDigests = true;
  /** AGENCIES_AMOUNT. Servers close the connection on other agencies. */
  agencies = 5;
  /** All packets received, on any connection. */
  readonly packets: string[] = [];
  /** Reacts to a packet in place of the server; returns nothing to let the server react. */
  intercept: (packet: string) => Reaction | undefined = () => undefined;

  /** Starts a connection. */
  readonly accept = (): Handler => {
    let expected: number | undefined;
    return (packet) => {
      this.packets.push(packet);
      const reaction = this.intercept(packet);
      if (reaction !== undefined) return reaction;
      const [type, rest] = split(packet, ":");
      switch (type) {
        case "ProgressRequest":
          if (Number(rest) > this.agencies) return "close";
          expected = this.bets.length;
          return { answer: `ProgressResponse:${expected}\n` };
        case "DigestRequest":
          if (!this.hasDigests) return "close";
          expected = this.bets.length;
          return { answer: `DigestResponse:${expected};${digestOf(rest, this.bets)}\n` };
        case "StoreBet":
        case "StoreBatch": {
          if (expected !== undefined && expected !== this.bets.length) return refused();
          const isStored = this.store(rest);
          expected = expected === undefined ? undefined : this.bets.length;
          return isStored ? { answer: "StoreResponse:0\n" } : refused();
        }
        case "AgencyClose":
          this.isClosed = true;
          return { answer: "" };
        case "WinnersRequest":
          return { answer: `WinnersResponse:${this.winners}\n` };
        default:
          return "close";
      }
    };
  };

  /** Stores the bets of a packet, given without its type. Returns whether it accepts them. */
  store(agencyAndBets: string): boolean {
    if (this.isClosed) return false;
    this.bets.push(...split(agencyAndBets, ";")[1].split(":"));
    return true;
  }
}

/** Returns the digest of bets that need no quotes in CSV. */
function digestOf(agency: string, bets: readonly string[]): string {
  const rows = bets.map((bet) => `${agency},${bet.replaceAll(";", ",")}\n`);
  return createHash("sha256").update(rows.join("")).digest("hex");
}

function refused(): Reaction {
  return { answer: "StoreResponse:1\n" };
}

function split(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return [text.slice(0, at), text.slice(at + 1)];
}
