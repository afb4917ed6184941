/**
 * The form of a message in a stream: headers say what it is, and its body is the rows of its bets.
 * docs/ledger.md describes it.
 *
 * @module
 */

import { LINE_FEED } from "../../../shared/ascii.ts";
import { agencyOfSubject } from "./names.ts";
import type { LogMessage, MessageKind, StoredMessage } from "./replicated_log.ts";

/** The sequence of the agency's last message, which JetStream compares before it stores this one. */
export const EXPECTED_SEQUENCE_HEADER = "Nats-Expected-Last-Subject-Sequence";
/** The UUID of the append. */
export const ID_HEADER = "Lottery-Id";
/** `bets`, `mark` or `close`. */
export const KIND_HEADER = "Lottery-Kind";
/** The number of the agency's bets after this message. */
export const BETS_HEADER = "Lottery-Bets";

const KINDS: ReadonlySet<string> = new Set<MessageKind>(["bets", "mark", "close"]);
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A message of a stream that no server of this lottery has written. */
export class InvalidMessageError extends Error {
  override name = "InvalidMessageError";

  constructor({ stream, sequence }: { stream: string; sequence: number }, reason: string) {
    super(
      `Message ${sequence} of stream ${stream} is not one of this lottery's servers: ${reason}. ` +
        "Find out who writes to the stream, and keep everything but servers from its subjects; " +
        "./denow task check judges all of its messages",
    );
  }
}

/** Returns the headers of a message, by name. */
export function messageHeaders(
  { id, kind, bets }: LogMessage,
  expectedSequence: number,
): Record<string, string> {
  return {
    [EXPECTED_SEQUENCE_HEADER]: String(expectedSequence),
    [ID_HEADER]: id,
    [KIND_HEADER]: kind,
    [BETS_HEADER]: String(bets),
  };
}

/** A message as JetStream returns it. */
export interface RawMessage {
  stream: string;
  subject: string;
  sequence: number;
  /** Returns a header's value; empty if it has none. */
  header: (name: string) => string;
  body: Uint8Array;
  /** When it was stored, in milliseconds since 1970, where a reader needs it. */
  storedAtMs?: number;
}

/**
 * Parses a message. Its rows are not judged.
 *
 * @throws {InvalidMessageError} If no server of a lottery writes such a message.
 */
export function parseMessage(raw: RawMessage): StoredMessage {
  const { stream, subject, sequence, header } = raw;
  const body = raw.body as Uint8Array<ArrayBuffer>;
  const [id, kind, bets] = [header(ID_HEADER), header(KIND_HEADER), header(BETS_HEADER)];
  const agency = agencyOfSubject(subject);
  if (Number.isNaN(agency)) throw new InvalidMessageError(raw, `its subject is ${subject}`);
  if (!UUID.test(id)) throw new InvalidMessageError(raw, `its ${ID_HEADER} is "${id}"`);
  if (!KINDS.has(kind)) throw new InvalidMessageError(raw, `its ${KIND_HEADER} is "${kind}"`);
  if (!/^\d{1,15}$/.test(bets)) {
    throw new InvalidMessageError(raw, `its ${BETS_HEADER} is "${bets}"`);
  }
  const hasRows = body.length > 0 && body.at(-1) === LINE_FEED;
  if (kind === "bets" ? !hasRows : body.length > 0) {
    throw new InvalidMessageError(
      raw,
      `a message of kind ${kind} has a body of ${body.length} bytes`,
    );
  }
  return {
    id,
    kind: kind as MessageKind,
    bets: Number(bets),
    rows: body,
    agency,
    sequence,
    stream,
  };
}
