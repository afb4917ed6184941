/**
 * The stream of Server-Sent Events that keeps a page up to date.
 *
 * @module
 */

import type { Board, Known } from "./board.ts";

/** Most pages that are kept up to date at a time. */
export const STREAMS_MAX = 200;
/** A page that lost its stream tries again after this time. */
const RETRY_MS = 1000;

/** The streams of all open pages. */
export class EventStreams {
  readonly #board: Board;
  readonly #streams = new Set<() => void>();
  #isClosed = false;

  constructor(board: Board) {
    this.#board = board;
  }

  /** Opens a stream. Returns nothing if there are too many. */
  open(): ReadableStream<Uint8Array<ArrayBuffer>> | undefined {
    if (this.#isClosed || this.#streams.size >= STREAMS_MAX) return undefined;
    let known: Known = { eventId: 0 };
    let end = () => {};
    return new ReadableStream({
      start: (controller) => {
        controller.enqueue(encode(`retry: ${RETRY_MS}\n\n`));
        const tell = () => {
          // A page that does not keep up misses states, and gets the missed events with a later one.
          if ((controller.desiredSize ?? 0) < 0) return;
          const told = this.#board.tell(known);
          if (told === undefined) return;
          known = told.known;
          controller.enqueue(encode(`data: ${JSON.stringify(told.state)}\n\n`));
        };
        const unsubscribe = this.#board.onLook(tell);
        end = () => {
          unsubscribe();
          this.#streams.delete(close);
        };
        const close = () => {
          end();
          controller.close();
        };
        this.#streams.add(close);
        tell();
      },
      cancel: () => end(),
    });
  }

  /** Ends all streams, and opens no other one. */
  close(): void {
    this.#isClosed = true;
    for (const close of this.#streams) close();
  }
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
