/**
 * Reads along on the connection between a server and a node, to see whether the acknowledgement of bets was lost:
 * what else is lost, such as that of a mark, shows nothing.
 *
 * @module
 */

import type { Side } from "./link_proxy.ts";

/** A message with bets, and the subject on which its answer is expected. */
const APPEND = /HPUB \S+ (\S+) \d+ \d+\r\n(?:[^\r\n]+\r\n)*?Lottery-Kind: bets\r\n/g;
/** An answer that acknowledges a message. Others begin with their error. */
const ACKNOWLEDGEMENT = /MSG (\S+) \d+ \d+\r\n\{"stream"/g;
/** Longer than the part of a message that is looked for. */
const REST_CHARACTERS_MAX = 64 * 1024;

/** Counts appends of bets, and their acknowledgements that were lost. */
export class AppendWatch {
  /** How many messages with bets the server has sent. */
  appends = 0;
  /** How many of their acknowledgements were lost. */
  lost = 0;
  readonly #open = new Set<string>();
  /** What may continue in the next bytes. */
  readonly #rest: Record<Side, string> = { server: "", node: "" };

  /** Takes what a side has sent. */
  note(side: Side, bytes: Uint8Array, isLost: boolean): void {
    const text = this.#rest[side] + new TextDecoder("latin1").decode(bytes);
    let end = Math.max(0, text.length - REST_CHARACTERS_MAX);
    for (const match of text.matchAll(side === "server" ? APPEND : ACKNOWLEDGEMENT)) {
      end = Math.max(end, match.index + match[0].length);
      if (side === "server") this.#noteAppend(match[1]);
      else if (this.#open.delete(match[1]) && isLost) this.lost++;
    }
    this.#rest[side] = text.slice(end);
  }

  #noteAppend(reply: string): void {
    this.#open.add(reply);
    this.appends++;
  }
}
