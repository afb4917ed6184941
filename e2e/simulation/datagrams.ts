/**
 * Datagrams in memory, which are lost or forged.
 *
 * @module
 */

import type { ChangeSignal } from "../../server/ledger/file/draw_signal.ts";
import type { Random } from "../../testing/random.ts";

/** One in this many datagrams is lost. */
const DATAGRAM_LOSS = 2;

/** Datagrams between servers. */
export class DatagramNetwork {
  readonly #random: Random;
  readonly #listeners = new Set<() => void>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Opens a socket, whose datagrams go to every open socket. */
  open(): ChangeSignal {
    let ownListener: () => void = () => {};
    return {
      onSignal: (listener) => {
        ownListener = listener;
        this.#listeners.add(listener);
      },
      send: () => {
        for (const listener of this.#listeners) {
          if (!this.#random.once(DATAGRAM_LOSS)) listener();
        }
        return Promise.resolve();
      },
      [Symbol.asyncDispose]: () => {
        this.#listeners.delete(ownListener);
        return Promise.resolve();
      },
    };
  }

  /** Delivers a datagram that no server sent to one open socket, if there is any. */
  forge(): void {
    if (this.#listeners.size > 0) this.#random.pick([...this.#listeners])();
  }
}
