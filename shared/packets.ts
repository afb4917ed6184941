/**
 * Encodes and decodes the packets that agencies send; answers.ts has those of servers. docs/protocol.md
 * specifies both.
 *
 * A packet is one line of UTF-8, `Type:rest`. Nothing here knows about sockets: framing.ts cuts a
 * stream into lines. Decoders take a line without its line end; encoders of whole packets add it.
 *
 * @module
 */

import { COLON, SEMICOLON } from "./ascii.ts";
import {
  AGENCY_DIGITS_MAX,
  type Bet,
  BetScanner,
  BIRTHDATE_BYTES,
  describeRule,
  DOCUMENT_BYTES_MAX,
  NAME_BYTES_MAX,
  NUMBER_DIGITS_MAX,
} from "./bet.ts";
import { ByteArena, parseDigits, startsWith } from "./bytes.ts";
import { quoteRefused, quoteText } from "./readable.ts";
import { writeRow } from "./rows.ts";
import { BetTranslator } from "./simd/bet_translator.ts";

const encoder = new TextEncoder();
// A byte order mark is a character like any other and must be kept.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The types of packet that an agency sends. */
export const REQUEST_TYPES = [
  "StoreBet",
  "StoreBatch",
  "AgencyClose",
  "WinnersRequest",
  "ProgressRequest",
  "DigestRequest",
] as const;
/** A type of packet that an agency sends. */
export type RequestType = (typeof REQUEST_TYPES)[number];

/** Longest agency number, in digits, with the separator after it. */
const AGENCY_PART_BYTES_MAX = AGENCY_DIGITS_MAX + 1;
/** Longest bet without its agency, in bytes: five fields and the separators between them. */
export const BET_BYTES_MAX = NAME_BYTES_MAX + 1 + NAME_BYTES_MAX + 1 + DOCUMENT_BYTES_MAX + 1 +
  BIRTHDATE_BYTES + 1 + NUMBER_DIGITS_MAX;
/** Longest StoreBet packet without leading zeros, in bytes, including its line end. */
export const STORE_BET_BYTES_MAX = "StoreBet:".length + AGENCY_PART_BYTES_MAX + BET_BYTES_MAX + 1;
/** Lowest limit that a server may set on a packet, in bytes: the longest StoreBatch of one bet. */
export const PACKET_BYTES_MIN = "StoreBatch:".length + AGENCY_PART_BYTES_MAX + BET_BYTES_MAX + 1;

const PREFIXES = REQUEST_TYPES.map((type) => encoder.encode(`${type}:`));

/** What a {@linkcode PacketError} knows besides its message. */
interface PacketErrorOptions {
  isStore?: boolean;
  sent?: string;
}

/**
 * The line is not a packet, or its packet breaks a rule. The message about a request names the
 * agency, the bet, the field and the rule, and nothing personal.
 */
export class PacketError extends Error {
  override name = "PacketError";
  /**
   * Whether the packet is a StoreBet or a StoreBatch. If so, the answer is `StoreResponse:1` and
   * the connection stays open.
   */
  readonly isStore: boolean;
  /**
   * What was sent instead of a valid request, quoted and cut. It may be a name or a document: logs
   * show it only at the level DEBUG.
   */
  readonly sent: string | undefined;

  constructor(message: string, { isStore = false, sent }: PacketErrorOptions = {}) {
    super(message);
    this.isStore = isStore;
    this.sent = sent;
  }
}

/** A type of packet that says no more than its agency. */
export type AgencyRequestType = Exclude<RequestType, "StoreBet" | "StoreBatch">;

/** One packet of an agency. */
export type Request =
  | { type: "StoreBet" | "StoreBatch"; batch: BetBatch }
  | { type: AgencyRequestType; agency: number };

/** What the rules depend on, besides the packet. */
export interface DecodeRules {
  /** AGENCIES_AMOUNT: agencies are numbered from 1 to this. */
  agencies: number;
  /** The current day, as dayNumber() returns it. */
  today: number;
}

/** Initial room of a decoder, in bytes of input. A longer packet makes it grow. */
const ROOM_BYTES_FIRST = 64 * 1024;

/**
 * How the checked bets of a batch are written.
 *
 * - `packet`: as a StoreBatch carries them, a `:` after each:
 *   `Juan;Perez;12345678;1980-01-01;1234:`.
 * - `rows`: as rows of bets.csv, a `\n` after each: `1,Juan,Perez,12345678,1980-01-01,1234`.
 */
export type BetNotation = "packet" | "rows";

/**
 * The checked bets of one Store packet. Nobody writes to its bytes after it was decoded, so it can
 * be kept for any time.
 */
export class BetBatch {
  readonly agency: number;
  /** Number of bets, 1 or more. */
  readonly count: number;
  /** The bets, one after the other, in the notation of the decoder. */
  readonly bytes: Uint8Array<ArrayBuffer>;

  /** @param bytes They become the batch's own. */
  constructor(agency: number, count: number, bytes: Uint8Array<ArrayBuffer>) {
    this.agency = agency;
    this.count = count;
    this.bytes = bytes;
  }
}

/**
 * Decodes Store packets. One decoder can serve all connections, since each batch has a copy of its
 * bytes.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { BetDecoder } from "./packets.ts";
 *
 * const packet = new TextEncoder().encode("StoreBatch:1;Ana;Paz;30123456;1990-05-30;7574");
 * const rules = { agencies: 5, today: 20261123 };
 * const { count, bytes } = new BetDecoder("rows").decode("StoreBatch", packet, rules);
 *
 * assertEquals(count, 1);
 * assertEquals(new TextDecoder().decode(bytes), "1,Ana,Paz,30123456,1990-05-30,7574\n");
 * ```
 */
export class BetDecoder {
  readonly #notation: BetNotation;
  readonly #scanner = new BetScanner(";", ":");
  readonly #copies = new ByteArena();
  #translator: BetTranslator;

  /** @param notation How batches write their bets. Checking and writing take a single pass. */
  constructor(notation: BetNotation) {
    this.#notation = notation;
    this.#translator = this.#newTranslator(ROOM_BYTES_FIRST);
  }

  /**
   * Decodes the bets of a Store packet.
   *
   * @param packet The whole line, including its type.
   * @throws {PacketError} If the agency or a bet is invalid, if there is no bet, or more than one
   * in a StoreBet.
   */
  decode(type: "StoreBet" | "StoreBatch", packet: Uint8Array, rules: DecodeRules): BetBatch {
    const { agency, betsAt } = decodeAgency(type, packet, rules);
    const translator = this.#roomFor(packet);
    translator.begin(this.#notation === "rows" ? `${agency},` : "");
    translator.input.set(packet);
    translator.input[packet.length] = COLON;
    const end = packet.length + 1;
    for (let at = betsAt;;) {
      at = translator.translate(at, end, rules.today);
      const isOver = at === end;
      const { count } = translator;
      if (type === "StoreBet" && count > 0 && !(isOver && count === 1)) {
        throw new PacketError(
          `Cannot store ${type} of agency ${agency}: more than one bet follows the agency`,
          { isStore: true },
        );
      }
      if (isOver) {
        const bytes = this.#copies.copy(translator.output.subarray(0, translator.length));
        return new BetBatch(agency, count, bytes);
      }
      at = this.#decodeUncommon(type, packet, { agency, at, today: rules.today });
    }
  }

  #newTranslator(inputBytesMax: number): BetTranslator {
    return new BetTranslator({ notation: `packet to ${this.#notation}`, inputBytesMax });
  }

  #roomFor({ length }: Uint8Array): BetTranslator {
    if (length >= this.#translator.input.length) {
      this.#translator = this.#newTranslator(2 ** Math.ceil(Math.log2(length + 1)));
    }
    return this.#translator;
  }

  /** Decodes a bet that the translator does not accept. Returns where the next one begins. */
  #decodeUncommon(
    type: string,
    packet: Uint8Array,
    { agency, at, today }: { agency: number; at: number; today: number },
  ): number {
    const scanner = this.#scanner;
    const fault = scanner.scan(packet, at, packet.length, today);
    if (fault !== undefined) {
      const which = `bet ${this.#translator.count + 1}: ${describeRule(fault)}`;
      const sent = `${fault.field} ${quoteRefused(fault.value)}`;
      throw new PacketError(`Cannot store ${type} of agency ${agency}: ${which}`, {
        isStore: true,
        sent,
      });
    }
    this.#translator.add(
      this.#notation === "rows"
        ? writeRow(agency, packet, at, scanner)
        : writePacketBet(packet, at, scanner),
    );
    return scanner.end + 1;
  }
}

/**
 * Reads the agency of a Store packet. A `;` follows it, or a `:` in the second spelling of
 * StoreBatch.
 */
function decodeAgency(
  type: "StoreBet" | "StoreBatch",
  packet: Uint8Array,
  { agencies }: DecodeRules,
): { agency: number; betsAt: number } {
  const from = type.length + 1;
  let end = from;
  while (end < packet.length && packet[end] !== SEMICOLON && packet[end] !== COLON) end++;
  const agency = parseDigits(packet, from, end, agencies);
  if (agency < 1) throw agencyError(type, packet, agencies);
  const isEmpty = end + 1 >= packet.length;
  if (isEmpty || (type === "StoreBet" && packet[end] === COLON)) {
    throw new PacketError(`Cannot store ${type} of agency ${agency}: it has no bet`, {
      isStore: true,
    });
  }
  return { agency, betsAt: end + 1 };
}

/**
 * Writes a bet as packets carry it, with its terminator and without leading zeros in its number.
 */
function writePacketBet(packet: Uint8Array, start: number, found: BetScanner): Uint8Array {
  const texts = packet.subarray(start, found.ends[3] + 1);
  const number = encoder.encode(`${found.number}:`);
  const bet = new Uint8Array(texts.length + number.length);
  bet.set(texts);
  bet.set(number, texts.length);
  return bet;
}

/**
 * Decodes a line that an agency has sent.
 *
 * @param decoder Decodes the bets of a Store packet.
 * @throws {PacketError} If the line is not a valid packet of an agency.
 *
 * @example
 * ```ts
 * import { assertEquals, assertThrows } from "@std/assert";
 * import { BetDecoder, decodeRequest, PacketError } from "./packets.ts";
 *
 * const rules = { agencies: 5, today: 20261123 };
 * const decode = (line: string) =>
 *   decodeRequest(new TextEncoder().encode(line), rules, new BetDecoder("packet"));
 *
 * assertEquals(decode("AgencyClose:5"), { type: "AgencyClose", agency: 5 });
 * assertThrows(() => decode("AgencyClose:6"), PacketError, "agency 6 is not from 1 to 5");
 * ```
 */
export function decodeRequest(line: Uint8Array, rules: DecodeRules, decoder: BetDecoder): Request {
  const type = requestType(line);
  switch (type) {
    case "StoreBet":
    case "StoreBatch":
      return { type, batch: decoder.decode(type, line, rules) };
    case "AgencyClose":
    case "WinnersRequest":
    case "ProgressRequest":
    case "DigestRequest": {
      const agency = parseDigits(line, type.length + 1, line.length, rules.agencies);
      if (agency < 1) throw agencyError(type, line, rules.agencies);
      return { type, agency };
    }
    case undefined:
      throw new PacketError("Cannot read packet: it has no known type", { sent: quoteLine(line) });
  }
}

/** Returns whether a line, or its beginning, is a StoreBet or a StoreBatch. */
export function isStoreRequest(line: Uint8Array): boolean {
  return isStoreType(requestType(line));
}

function isStoreType(type: RequestType | undefined): boolean {
  return type === "StoreBet" || type === "StoreBatch";
}

function requestType(line: Uint8Array): RequestType | undefined {
  for (let index = 0; index < PREFIXES.length; index++) {
    if (startsWith(line, PREFIXES[index])) return REQUEST_TYPES[index];
  }
}

/** Returns an error about a request whose agency is missing, malformed or out of range. */
function agencyError(type: RequestType, line: Uint8Array, agencies: number): PacketError {
  const at = type.length + 1;
  // More digits than an agency's number has may be a document.
  const start = decoder.decode(line.subarray(at, at + AGENCY_PART_BYTES_MAX));
  const number = /^(\d{1,4})(?:[;:]|$)/.exec(start)?.[1];
  const reason = number === undefined
    ? "it has no valid agency"
    : `agency ${number} is not from 1 to ${agencies}`;
  return new PacketError(`Cannot read ${type}: ${reason}`, {
    isStore: isStoreType(type),
    sent: quoteLine(line),
  });
}

/** Quotes the beginning of a line, for a message. */
export function quoteLine(line: Uint8Array): string {
  const text = decoder.decode(line.subarray(0, 40));
  return quoteText(line.length > 40 ? `${text}…` : text);
}

/**
 * Encodes the fields of a bet as packets carry them, without the agency.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { encodeBetFields } from "./packets.ts";
 *
 * const juan = { firstName: "Juan", lastName: "Perez", document: "12345678" };
 * const fields = encodeBetFields({ ...juan, birthdate: "1980-01-01", number: 1234 });
 * assertEquals(new TextDecoder().decode(fields), "Juan;Perez;12345678;1980-01-01;1234");
 * ```
 */
export function encodeBetFields(bet: Omit<Bet, "agency">): Uint8Array<ArrayBuffer> {
  const { firstName, lastName, document, birthdate, number } = bet;
  return encoder.encode([firstName, lastName, document, birthdate, number].join(";"));
}

/** Encodes what precedes the first bet of a Store packet: `StoreBatch:1;`. */
export function encodeStoreHead(
  type: "StoreBet" | "StoreBatch",
  agency: number,
): Uint8Array<ArrayBuffer> {
  return encoder.encode(`${type}:${agency};`);
}

/** Encodes a packet that consists of a type and an agency, including its line end. */
export function encodeAgencyRequest(
  type: AgencyRequestType,
  agency: number,
): Uint8Array<ArrayBuffer> {
  return encoder.encode(`${type}:${agency}\n`);
}
