/**
 * A WinnersResponse, cut into the pieces in which it is written.
 *
 * @module
 */

import { LINE_FEED, SEMICOLON } from "../shared/ascii.ts";
import { ByteBuffer } from "../shared/bytes.ts";
import { WINNERS_RESPONSE_HEAD } from "../shared/mod.ts";

/** Documents are gathered into pieces up to this size. */
const GATHERED_BYTES_MAX = 4096;

/**
 * Yields the rest of a WinnersResponse of which the first `sentBytes` bytes have been sent. A short one is one
 * piece; the documents of a long one are not copied, because hundreds of clients may ask for megabytes and not
 * read them. A piece is valid until the next one is asked for.
 */
export async function* winnersResponse(
  documents: AsyncIterable<Uint8Array>,
  sentBytes: number,
): AsyncGenerator<Uint8Array> {
  const gathered = new ByteBuffer(256);
  gathered.write(WINNERS_RESPONSE_HEAD.subarray(sentBytes));
  let isFirst = true;
  for await (const piece of documents) {
    if (!isFirst) gathered.writeByte(SEMICOLON);
    isFirst = false;
    if (gathered.length + piece.length < GATHERED_BYTES_MAX) gathered.write(piece);
    else {
      yield gathered.view();
      gathered.length = 0;
      yield piece;
    }
  }
  gathered.writeByte(LINE_FEED);
  yield gathered.view();
}
