/**
 * The end of a connection whose peer has yet to take the last answer.
 *
 * @module
 */

/** How much is still read. */
const BYTES_MAX = 1024 * 1024;
const TIME_MS = 1000;
/** What is read is dropped, so all connections read into the same bytes. */
const DROPPED = new Uint8Array(64 * 1024);

/** The part of a connection that is drained. */
interface Drained {
  read(bytes: Uint8Array): Promise<number | null>;
  close(): void;
}

/** Reads what a peer still sends, until it ends, has sent a mebibyte, or a second has passed; then closes. */
export async function drain({ read, close }: Drained): Promise<void> {
  const timer = setTimeout(close, TIME_MS);
  try {
    for (let total = 0; total < BYTES_MAX;) {
      const count = await read(DROPPED);
      if (count === null) return;
      total += count;
    }
  } finally {
    clearTimeout(timer);
  }
}
