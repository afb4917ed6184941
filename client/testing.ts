/**
 * A network of fake servers for the tests of this folder, in memory and without time of its own.
 *
 * @module
 */

import type { BetBlock } from "./bet_source.ts";
import type { Dialer, Transport } from "./connection.ts";
import { CLIENT_LEVELS, openLog } from "../shared/logging.ts";

/** A block of these bets, one or more. */
export function blockOf(bets: readonly string[]): BetBlock {
  const encoded = bets.map((bet) => new TextEncoder().encode(`${bet}:`));
  let length = 0;
  const ends = Int32Array.from(encoded, (bet) => (length += bet.length) - 1);
  return { bytes: Uint8Array.from(encoded.flatMap((bet) => [...bet])), ends, count: bets.length };
}

/** What a fake server does with a packet: answers bytes, closes in good order, resets, or does nothing. */
export type Reaction = { answer: string } | "close" | "reset" | "silence";

/** Serves one connection: is given each packet, without its line end. */
export type Handler = (packet: string) => Reaction;

/** One connection to a fake server. */
class FakeTransport implements Transport {
  readonly #handler: Handler;
  readonly #onSilence: () => void;
  readonly #answerBytesMax: number;
  #sent = "";
  #answers = new Uint8Array();
  #isEnded = false;
  #isReset = false;
  #wake = () => {};

  constructor(handler: Handler, { onSilence, answerBytesMax }: FakeNetworkOptions) {
    this.#handler = handler;
    this.#onSilence = onSilence ?? (() => {});
    this.#answerBytesMax = answerBytesMax ?? Infinity;
  }

  async read(bytes: Uint8Array): Promise<number | null> {
    while (this.#answers.length === 0) {
      if (this.#isReset) throw new Deno.errors.ConnectionReset("connection reset");
      if (this.#isEnded) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const count = Math.min(bytes.length, this.#answers.length, this.#answerBytesMax);
    bytes.set(this.#answers.subarray(0, count));
    this.#answers = this.#answers.subarray(count);
    return count;
  }

  // It takes fewer bytes than it is given, as sockets may.
  write(bytes: Uint8Array): Promise<number> {
    if (this.#isReset) return Promise.reject(new Deno.errors.BrokenPipe("broken pipe"));
    const taken = bytes.subarray(0, Math.ceil(bytes.length / 2));
    this.#sent += new TextDecoder("latin1").decode(taken);
    const packets = this.#sent.split("\n");
    this.#sent = packets.pop()!;
    for (const packet of packets) this.#react(this.#handler(packet));
    return Promise.resolve(taken.length);
  }

  close(): void {
    this.#isReset = true;
    this.#wake();
  }

  #react(reaction: Reaction): void {
    if (reaction === "silence") this.#onSilence();
    else if (reaction === "close") this.#isEnded = true;
    else if (reaction === "reset") this.#isReset = true;
    else this.#answer(reaction.answer);
    this.#wake();
  }

  #answer(text: string): void {
    const bytes = new TextEncoder().encode(text);
    const answers = new Uint8Array(this.#answers.length + bytes.length);
    answers.set(this.#answers);
    answers.set(bytes, this.#answers.length);
    this.#answers = answers;
  }
}

/** Options of {@linkcode FakeNetwork}. */
export interface FakeNetworkOptions {
  /** The addresses of each name. @default {each name has one, 10.0.0.1} */
  addresses?: string[];
  /** Begins to serve a connection to an address; throws to refuse it. */
  accept: (hostname: string) => Handler;
  /** A server does not answer: the test may let time pass. */
  onSilence?: () => void;
  /** Answers come in pieces of at most so many bytes. */
  answerBytesMax?: number;
}

/** Fake servers. */
export class FakeNetwork implements Dialer {
  /** The addresses that were dialled. */
  readonly dialled: string[] = [];
  readonly #options: FakeNetworkOptions;

  constructor(options: FakeNetworkOptions) {
    this.#options = options;
  }

  resolve(): Promise<string[]> {
    return Promise.resolve(this.#options.addresses ?? ["10.0.0.1"]);
  }

  // deno-lint-ignore require-await
  async connect({ hostname }: { hostname: string }): Promise<Transport> {
    this.dialled.push(hostname);
    return new FakeTransport(this.#options.accept(hostname), this.#options);
  }
}

/** Several servers with one ledger, for one agency. It keeps bets as a ledger of ours does. */
export class FakeLottery {
  /** The stored bets, as packets carry them. */
  bets: string[] = [];
  isClosed = false;
  winners = "";
  /** All packets that came, on whichever connection. */
  readonly packets: string[] = [];
  /** Does something else with a packet than a server does; nothing lets it do its work. */
  meddle: (packet: string) => Reaction | undefined = () => undefined;

  /** Begins a connection. */
  readonly accept = (): Handler => {
    let expected: number | undefined;
    return (packet) => {
      this.packets.push(packet);
      const reaction = this.meddle(packet);
      if (reaction !== undefined) return reaction;
      const [type, rest] = split(packet, ":");
      switch (type) {
        case "ProgressRequest":
          expected = this.bets.length;
          return { answer: `ProgressResponse:${expected}\n` };
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

  /** Stores the bets of a packet, from behind its type. */
  store(agencyAndBets: string): boolean {
    if (this.isClosed) return false;
    this.bets.push(...split(agencyAndBets, ";")[1].split(":"));
    return true;
  }
}

function refused(): Reaction {
  return { answer: "StoreResponse:1\n" };
}

function split(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** A log that a test can read. */
export function testLog(level: keyof typeof CLIENT_LEVELS = "debug") {
  const lines: string[] = [];
  const sink = (line: string) => void lines.push(line.slice("2026-11-23 10:00:00 ".length));
  return { lines, log: openLog({ levels: CLIENT_LEVELS, level, sink }) };
}

/** Whether the program may do all of this; a test that needs more is shown as ignored. */
export function lacks(...names: Deno.PermissionName[]): boolean {
  return names.some((name) => Deno.permissions.querySync({ name }).state !== "granted");
}
