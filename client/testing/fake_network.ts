/**
 * An in-memory network of fake servers, for the client's tests.
 *
 * @module
 */

import type { Dialer, Transport } from "../dialer.ts";

/**
 * What a fake server does with a packet. `close` closes the connection cleanly, as `isLast` does after
 * the answer.
 */
export type Reaction = { answer: string; isLast?: boolean } | "close" | "reset" | "silence";

/** Serves one connection. Receives each packet without its line end. */
export type Handler = (packet: string) => Reaction;

/** One connection to a fake server. */
class FakeTransport implements Transport {
  readonly #handler: Handler;
  readonly #onSilence: () => void;
  readonly #onClose: () => void;
  readonly #answerBytesMax: number;
  readonly #beforeRead: FakeNetworkOptions["beforeRead"];
  #sent = "";
  #answers = new Uint8Array();
  #isEnded = false;
  #isReset = false;
  #wake = () => {};

  constructor(
    handler: Handler,
    { onSilence = () => {}, onClose, answerBytesMax, beforeRead }: FakeNetworkOptions & {
      onClose: () => void;
    },
  ) {
    this.#handler = handler;
    this.#onSilence = onSilence;
    this.#onClose = onClose;
    this.#beforeRead = beforeRead;
    this.#answerBytesMax = answerBytesMax ?? Infinity;
  }

  async read(bytes: Uint8Array): Promise<number | null> {
    await this.#beforeRead?.();
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

  // Takes only half of the bytes, as sockets may.
  write(bytes: Uint8Array): Promise<number> {
    if (this.#isReset) return Promise.reject(new Deno.errors.BrokenPipe("broken pipe"));
    const taken = bytes.subarray(0, Math.ceil(bytes.length / 2));
    this.#sent += new TextDecoder("latin1").decode(taken);
    const packets = this.#sent.split("\n");
    this.#sent = packets.pop()!;
    for (const packet of packets) {
      // A server reads nothing more after it has closed.
      if (!this.#isEnded) this.#react(this.#handler(packet));
    }
    return Promise.resolve(taken.length);
  }

  close(): void {
    this.#onClose();
    this.#isReset = true;
    this.#wake();
  }

  #react(reaction: Reaction): void {
    if (reaction === "silence") this.#onSilence();
    else if (reaction === "close") this.#isEnded = true;
    else if (reaction === "reset") this.#isReset = true;
    else {
      this.#answer(reaction.answer);
      this.#isEnded = reaction.isLast ?? false;
    }
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
  /** The addresses of every name. @default {["10.0.0.1"]} */
  addresses?: string[];
  /** Starts to serve a connection to an address. Throws to refuse it. */
  accept: (hostname: string) => Handler;
  /** Called when a server does not answer. The test may advance time. */
  onSilence?: () => void;
  /** Most bytes that one read returns. @default {Infinity} */
  answerBytesMax?: number;
  /** Delays a read. @default {not at all} */
  beforeRead?: () => Promise<void>;
}

/** A network with fake servers. */
export class FakeNetwork implements Dialer {
  /** The addresses that were dialed. */
  readonly dialed: string[] = [];
  /** The connections that the client has not closed. */
  openConnections = 0;
  readonly #options: FakeNetworkOptions;

  constructor(options: FakeNetworkOptions) {
    this.#options = options;
  }

  resolve(): Promise<string[]> {
    return Promise.resolve(this.#options.addresses ?? ["10.0.0.1"]);
  }

  // deno-lint-ignore require-await
  async connect({ hostname }: { hostname: string }): Promise<Transport> {
    this.dialed.push(hostname);
    const handler = this.#options.accept(hostname);
    this.openConnections++;
    return new FakeTransport(handler, { ...this.#options, onClose: () => this.openConnections-- });
  }
}
