/**
 * The packets of the protocol, to and from bytes. docs/protocol.md is their document.
 *
 * A packet is one line of UTF-8, `Type:rest`. Nothing here sees a socket: framing.ts cuts a stream into
 * lines, and the line end is not part of what is decoded here; what is encoded here has it.
 *
 * @module
 */

import { COLON, SEMICOLON } from "./ascii.ts";
import {
  AGENCY_DIGITS_MAX,
  type Bet,
  BetScanner,
  BIRTHDATE_BYTES,
  describeFault,
  DOCUMENT_BYTES_MAX,
  NAME_BYTES_MAX,
  NUMBER_DIGITS_MAX,
} from "./bet.ts";
import { BetTranslator } from "./simd/bet_translator.ts";
import { parseDigits, startsWith } from "./bytes.ts";
import { writeRow } from "./rows.ts";

const encoder = new TextEncoder();
// A byte order mark is a character like others: it must not get lost.
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

/** What a {@linkcode StoreResponse} says. */
export const STORED = 0;
/** The bets were refused: none of them is stored. */
export const REFUSED = 1;
/** `StoreResponse:0` for stored for good, `StoreResponse:1` for refused. */
export type StoreStatus = typeof STORED | typeof REFUSED;

/** Longest agency number, in digits, with the separator after it. */
const AGENCY_PART_BYTES_MAX = AGENCY_DIGITS_MAX + 1;
/** Longest bet without its agency: two names, document, birthdate, number, and what separates them. */
export const BET_BYTES_MAX = NAME_BYTES_MAX + 1 + NAME_BYTES_MAX + 1 + DOCUMENT_BYTES_MAX + 1 +
  BIRTHDATE_BYTES + 1 + NUMBER_DIGITS_MAX;
/** Longest StoreBet packet that our client sends, its line end included. */
export const STORE_BET_BYTES_MAX = "StoreBet:".length + AGENCY_PART_BYTES_MAX + BET_BYTES_MAX + 1;
/** Least limit a server may set on a packet: the longest single bet must fit as a batch too. */
export const PACKET_BYTES_MIN = "StoreBatch:".length + AGENCY_PART_BYTES_MAX + BET_BYTES_MAX + 1;

const PREFIXES = REQUEST_TYPES.map((type) => encoder.encode(`${type}:`));

/** The line is no packet, or its packet breaks a rule. */
export class PacketError extends Error {
  override name = "PacketError";
  /** The packet wanted to store bets: it is answered `StoreResponse:1`, and the connection goes on. */
  readonly isStore: boolean;

  constructor(message: string, isStore: boolean) {
    super(message);
    this.isStore = isStore;
  }
}

/** A type of packet that says no more than its agency. */
export type AgencyRequestType = Exclude<RequestType, "StoreBet" | "StoreBatch">;

/** One packet of an agency. */
export type Request =
  | { type: "StoreBet" | "StoreBatch"; batch: BetBatch }
  | { type: AgencyRequestType; agency: number };

/** What the rules depend on, beside the packet. */
export interface DecodeRules {
  /** AGENCIES_AMOUNT: agencies are numbered from 1 to this. */
  agencies: number;
  /** The current day, as dayNumber() gives it. */
  today: number;
}

/** Input bytes for which a decoder has room at first; a longer packet makes it grow. */
const ROOM_BYTES_FIRST = 64 * 1024;

/**
 * How the checked bets of a batch are written.
 *
 * - `packet`: as a StoreBatch carries them, a `:` after each: `Juan;Perez;12345678;1980-01-01;1234:`.
 * - `rows`: as rows of bets.csv, a `\n` after each: `1,Juan,Perez,12345678,1980-01-01,1234`.
 */
export type BetNotation = "packet" | "rows";

/**
 * The checked bets of one Store packet. A batch owns its bytes: it copies them when it is made, and nobody
 * writes to them afterwards, so that it may be kept for as long as it is needed.
 */
export class BetBatch {
  readonly agency: number;
  /** How many bets there are: 1 or more. */
  readonly count: number;
  /** The bets, one after the other, in the notation that the decoder was made for. */
  readonly bytes: Uint8Array<ArrayBuffer>;

  constructor(agency: number, count: number, bytes: Uint8Array) {
    this.agency = agency;
    this.count = count;
    this.bytes = new Uint8Array(bytes);
  }
}

/** Decodes Store packets. One decoder serves all connections: a batch that it returns owns its bytes. */
export class BetDecoder {
  readonly #notation: BetNotation;
  readonly #scanner = new BetScanner(";", ":");
  #translator: BetTranslator;

  /** @param notation How the batches write their bets. Checking and writing is one pass. */
  constructor(notation: BetNotation) {
    this.#notation = notation;
    this.#translator = this.#newTranslator(ROOM_BYTES_FIRST);
  }

  /**
   * Decodes the bets of a Store packet.
   *
   * @param packet The line, its type included.
   * @throws {PacketError} If the agency or a bet is invalid, if there is no bet, or more than one in a
   * StoreBet.
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
          true,
        );
      }
      if (isOver) {
        return new BetBatch(agency, count, translator.output.subarray(0, translator.length));
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

  /** Decodes a bet that only the full rules can judge; returns where the next one begins. */
  #decodeUncommon(
    type: string,
    packet: Uint8Array,
    { agency, at, today }: { agency: number; at: number; today: number },
  ): number {
    const scanner = this.#scanner;
    const fault = scanner.scan(packet, at, packet.length, today);
    if (fault !== undefined) {
      const which = `bet ${this.#translator.count + 1}: ${describeFault(fault)}`;
      throw new PacketError(`Cannot store ${type} of agency ${agency}: ${which}`, true);
    }
    this.#translator.add(
      this.#notation === "rows"
        ? writeRow(agency, packet, at, scanner)
        : writePacketBet(packet, at, scanner),
    );
    return scanner.end + 1;
  }
}

/** Reads the agency of a Store packet. A `;` follows it, or a `:` in the second spelling of StoreBatch. */
function decodeAgency(
  type: "StoreBet" | "StoreBatch",
  packet: Uint8Array,
  { agencies }: DecodeRules,
): { agency: number; betsAt: number } {
  const from = type.length + 1;
  let end = from;
  while (end < packet.length && packet[end] !== SEMICOLON && packet[end] !== COLON) end++;
  const agency = parseDigits(packet, from, end, agencies);
  if (agency < 1) throw new PacketError(badAgency(type, packet, agencies), true);
  const isEmpty = end + 1 >= packet.length;
  if (isEmpty || (type === "StoreBet" && packet[end] === COLON)) {
    throw new PacketError(`Cannot store ${type} of agency ${agency}: it has no bet`, true);
  }
  return { agency, betsAt: end + 1 };
}

/** A bet as a packet carries it, its number without leading zeros, with its terminator. */
function writePacketBet(packet: Uint8Array, start: number, found: BetScanner): Uint8Array {
  const texts = packet.subarray(start, found.ends[3] + 1);
  const number = encoder.encode(`${found.number}:`);
  const bet = new Uint8Array(texts.length + number.length);
  bet.set(texts);
  bet.set(number, texts.length);
  return bet;
}

/**
 * Decodes one line into the packet it is.
 *
 * @param decoder Decodes the bets of a Store packet.
 * @throws {PacketError} If the line is not a valid packet of an agency.
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
      if (agency < 1) throw new PacketError(badAgency(type, line, rules.agencies), false);
      return { type, agency };
    }
    case undefined:
      throw new PacketError(`Cannot read packet: ${quoteLine(line)} has no known type`, false);
  }
}

/** Whether a line, or its beginning, is a packet that wants to store bets. */
export function isStoreRequest(line: Uint8Array): boolean {
  const type = requestType(line);
  return type === "StoreBet" || type === "StoreBatch";
}

function requestType(line: Uint8Array): RequestType | undefined {
  for (let index = 0; index < PREFIXES.length; index++) {
    if (startsWith(line, PREFIXES[index])) return REQUEST_TYPES[index];
  }
}

function badAgency(type: RequestType, line: Uint8Array, agencies: number): string {
  return `Cannot read ${type}: ${quoteLine(line)} has no agency from 1 to ${agencies}`;
}

/** The beginning of a line as a quoted text, for a message. */
function quoteLine(line: Uint8Array): string {
  const text = decoder.decode(line.subarray(0, 40));
  return JSON.stringify(line.length > 40 ? `${text}…` : text);
}

/** A bet's fields as a packet carries them, without the agency: `Juan;Perez;12345678;1980-01-01;1234`. */
export function encodeBetFields(bet: Omit<Bet, "agency">): Uint8Array<ArrayBuffer> {
  const { firstName, lastName, document, birthdate, number } = bet;
  return encoder.encode([firstName, lastName, document, birthdate, number].join(";"));
}

/** Which bets of an agency are stored. */
export interface BetsDigest {
  /** How many there are. */
  bets: number;
  /** SHA-256, in lower-case hexadecimal, of their rows as in bets.csv, line feeds included, in order. */
  sha256: string;
}

/** What stands before the first bet of a Store packet. */
export function encodeStoreHead(
  type: "StoreBet" | "StoreBatch",
  agency: number,
): Uint8Array<ArrayBuffer> {
  return encoder.encode(`${type}:${agency};`);
}

/** A packet that says no more than its agency, line end included. */
export function encodeAgencyRequest(
  type: AgencyRequestType,
  agency: number,
): Uint8Array<ArrayBuffer> {
  return encoder.encode(`${type}:${agency}\n`);
}

/** `StoreResponse:status`, line end included. */
export function encodeStoreResponse(status: StoreStatus): Uint8Array<ArrayBuffer> {
  return encoder.encode(`StoreResponse:${status}\n`);
}

/** `ProgressResponse:n`, line end included. */
export function encodeProgressResponse(bets: number): Uint8Array<ArrayBuffer> {
  return encoder.encode(`ProgressResponse:${bets}\n`);
}

/** `DigestResponse:n;hex`, line end included. */
export function encodeDigestResponse({ bets, sha256 }: BetsDigest): Uint8Array<ArrayBuffer> {
  return encoder.encode(`DigestResponse:${bets};${sha256}\n`);
}

/** What stands before the number of a ProgressResponse. */
export const PROGRESS_RESPONSE_HEAD: Uint8Array<ArrayBuffer> = encoder.encode("ProgressResponse:");

/** What stands before the number of a DigestResponse. */
export const DIGEST_RESPONSE_HEAD: Uint8Array<ArrayBuffer> = encoder.encode("DigestResponse:");

/** What stands before the documents of a WinnersResponse, which `;` separates and a line end ends. */
export const WINNERS_RESPONSE_HEAD: Uint8Array<ArrayBuffer> = encoder.encode("WinnersResponse:");

/**
 * Reads a server's answer to a Store packet.
 *
 * @throws {PacketError} If it is another packet, or none.
 */
export function decodeStoreResponse(line: Uint8Array): StoreStatus {
  const status = Number(answerRest(line, "StoreResponse", /^[01]$/));
  return status === 0 ? STORED : REFUSED;
}

/**
 * Reads how many bets of an agency are stored for good.
 *
 * @throws {PacketError} If it is another packet, or none.
 */
export function decodeProgressResponse(line: Uint8Array): number {
  return Number(answerRest(line, "ProgressResponse", /^\d{1,15}$/));
}

/**
 * Reads which bets of an agency are stored for good.
 *
 * @throws {PacketError} If it is another packet, or none.
 */
export function decodeDigestResponse(line: Uint8Array): BetsDigest {
  const [bets, sha256] = answerRest(line, "DigestResponse", /^\d{1,15};[0-9a-f]{64}$/).split(";");
  return { bets: Number(bets), sha256 };
}

/**
 * Reads the documents of an agency's winners, in the order of the file; there may be none.
 *
 * @throws {PacketError} If it is another packet, or none.
 */
export function decodeWinnersResponse(line: Uint8Array): string[] {
  const documents = answerRest(line, "WinnersResponse", /^[^:]*$/);
  return documents === "" ? [] : documents.split(";");
}

/** The part of an answer after its type. */
function answerRest(line: Uint8Array, type: string, pattern: RegExp): string {
  const text = decoder.decode(line);
  const rest = text.slice(type.length + 1);
  if (text.startsWith(`${type}:`) && pattern.test(rest)) return rest;
  throw new PacketError(`Cannot read answer: ${quoteLine(line)} is not a valid ${type}`, false);
}
