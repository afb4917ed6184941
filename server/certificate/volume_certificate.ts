/**
 * Computes the certificate of a draw whose bets are in files.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { LINE_FEED, SEMICOLON } from "../../shared/ascii.ts";
import { Courtesy } from "../ledger/courtesy.ts";
import type { Draw, LotteryIdentity } from "../ledger/ledger.ts";
import type { AgencyOutcome, Certificate, FileDigest, Winner } from "./certificate.ts";
import { OutcomeCounter } from "./outcome_counter.ts";

/**
 * Hashed and counted in a few milliseconds, even where every row wins and belongs to another agency than the one
 * before.
 */
const SLICE_BYTES = 32 * 1024;

/** Options of {@linkcode volumeCertificate}. */
export interface VolumeCertificateOptions
  extends Pick<Certificate, "audit" | "drawnAt" | "software"> {
  /** The settled draw. Its winners are read more than once. */
  draw: Draw;
  identity: LotteryIdentity;
  /** Names of the files: the one of the bets, and the one of closed agencies. */
  files: { bets: string; closed: string };
  /** Ends the work early, with an AbortError. @default {never} */
  signal?: AbortSignal;
}

/**
 * Reads all bets once more, after the draw: in slices, between which the event loop serves others.
 *
 * @throws If the files cannot be read, or differ from what was drawn.
 */
export async function volumeCertificate(
  volume: string,
  options: VolumeCertificateOptions,
): Promise<Certificate> {
  const { identity, files: names, audit, drawnAt, software, draw, signal } = options;
  const { id, createdAt, winningNumber } = identity;
  const counter = new OutcomeCounter(winningNumber);
  const bets = await readRows(volume, names.bets, { signal, take: (rows) => counter.take(rows) });
  const closed = digestOf(names.closed, await Deno.readFile(`${volume}/${names.closed}`));
  const numbers = Array.from({ length: identity.agencies }, (_, index) => index + 1);
  const agencies = await Promise.all(
    numbers.map(async (agency) => outcomeOf(agency, counter, await documentsOf(draw, agency))),
  );
  const files = [bets, closed];
  const stated = { id, createdAt, drawnAt, winningNumber, software };
  return { ...stated, ledger: "files", files, audit, agencies };
}

/** Passes all rows of a file on, in pieces of whole rows, and digests it. */
async function readRows(
  volume: string,
  name: string,
  { signal, take }: { signal?: AbortSignal; take: (rows: Uint8Array) => void },
): Promise<FileDigest> {
  using file = await Deno.open(`${volume}/${name}`);
  const courtesy = new Courtesy();
  const hash = createHash("sha256");
  const slice = new Uint8Array(SLICE_BYTES);
  let [bytes, kept] = [0, 0];
  for (let count; (count = await file.read(slice.subarray(kept))) !== null;) {
    signal?.throwIfAborted();
    await courtesy.giveWay();
    const filled = slice.subarray(0, kept + count);
    const wholeRows = filled.lastIndexOf(LINE_FEED) + 1;
    hash.update(filled.subarray(kept));
    take(filled.subarray(0, wholeRows));
    slice.copyWithin(0, wholeRows, filled.length);
    kept = filled.length - wholeRows;
    bytes += count;
    if (kept === slice.length) break;
  }
  if (kept > 0) throw new Error(`Cannot read ${name}: its last row has no line end`);
  return { name, bytes, sha256: hash.digest("hex") };
}

function digestOf(name: string, content: Uint8Array): FileDigest {
  const sha256 = createHash("sha256").update(content).digest("hex");
  return { name, bytes: content.length, sha256 };
}

/** The documents of an agency's winners: pieces, between which a `;` belongs. Nothing is copied. */
async function documentsOf(draw: Draw, agency: number): Promise<Uint8Array[]> {
  return await Array.fromAsync(draw.winners(agency));
}

function outcomeOf(
  agency: number,
  counter: OutcomeCounter,
  documents: readonly Uint8Array[],
): AgencyOutcome {
  const { positions, ...counted } = counter.of(agency);
  return {
    agency,
    ...counted,
    *listWinners(): Generator<Winner> {
      const names = namesIn(documents);
      for (const position of positions()) {
        const { value: document, done } = names.next();
        if (done) throw differs(agency);
        yield { document, position };
      }
      if (!names.next().done) throw differs(agency);
    },
  };
}

function differs(agency: number): Error {
  return new Error(`agency ${agency}: the winners in its rows are not those of the draw`);
}

/** Yields the documents in pieces that hold one or more each. */
function* namesIn(pieces: readonly Uint8Array[]): Generator<string, void> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for (const piece of pieces) {
    for (let from = 0; from <= piece.length;) {
      const found = piece.indexOf(SEMICOLON, from);
      const end = found < 0 ? piece.length : found;
      yield decoder.decode(piece.subarray(from, end));
      from = end + 1;
    }
  }
}
