/**
 * Reads what a draw has left in the streams of a NATS cluster, message by message. It shares no code
 * with the ledger and its client library, so that it cannot repeat their mistakes.
 *
 * @module
 */

import { NatsConnection } from "./nats_connection.ts";
import type { Address } from "./ports.ts";

/** How many messages are asked for at once. */
const AT_ONCE = 64;
/** Nobody answers for a stream without a leader, so a question is repeated. */
const ATTEMPT_MS = 2000;
const ATTEMPTS = 15;
const PAUSE_MS = 200;
const NOT_FOUND = 404;
/** The letters of a draw's id that are in the names of its streams. */
const ID_LETTERS = 8;

/** A message as it lies in a stream. */
export interface StreamMessage {
  subject: string;
  /** Its position in the stream, counted from 1. */
  sequence: number;
  headers: ReadonlyMap<string, string>;
  body: Uint8Array;
}

/** Where to read a draw. */
export interface DrawPlace {
  /** The address of any node. */
  address: Address;
  /** LEDGER_NAME. */
  name: string;
}

/** A draw and its messages. */
export interface StoredDraw {
  id: string;
  agencies: number;
  winningNumber: number;
  /** The streams by their names, in the order of the partitions. */
  streams: Map<string, StreamMessage[]>;
}

/** Reads the current draw of a lottery from the leaders of its streams. Returns nothing if there is none. */
export async function readDraw({ address, name }: DrawPlace): Promise<StoredDraw | undefined> {
  using connection = await NatsConnection.open(address);
  const upperName = name.toUpperCase();
  const record = (await readStream(connection, `${upperName}_DRAWS`)).at(-1);
  if (record === undefined) return undefined;
  const draw = JSON.parse(new TextDecoder().decode(record.body));
  const streams = new Map<string, StreamMessage[]>();
  for (let partition = 0; partition < draw.partitions; partition++) {
    const stream = `${upperName}_${draw.id.slice(0, ID_LETTERS)}_${partition}`;
    streams.set(stream, await readStream(connection, stream));
  }
  return { id: draw.id, agencies: draw.agencies, winningNumber: draw.winningNumber, streams };
}

/**
 * Reads all messages of a stream, from its leader. A stream that does not exist has none.
 *
 * @throws {Error} If there is no leader, or a message is missing.
 */
export async function readStream(
  connection: NatsConnection,
  stream: string,
): Promise<StreamMessage[]> {
  const info = await ask(connection, `STREAM.INFO.${stream}`);
  if (info.error !== undefined) return [];
  const { first_seq: first, last_seq: last, messages } = info.state;
  if (messages > 0 && (first !== 1 || messages !== last)) {
    throw new Error(`${stream} has ${messages} messages from ${first} to ${last}: some are gone`);
  }
  const read: StreamMessage[] = [];
  for (let from = 1; from <= last; from += AT_ONCE) {
    const count = Math.min(AT_ONCE, last - from + 1);
    const sequences = Array.from({ length: count }, (_, index) => from + index);
    read.push(...await Promise.all(sequences.map((at) => readMessage(connection, stream, at))));
  }
  return read;
}

async function readMessage(
  connection: NatsConnection,
  stream: string,
  sequence: number,
): Promise<StreamMessage> {
  const answer = await ask(connection, `STREAM.MSG.GET.${stream}`, { seq: sequence });
  if (answer.error !== undefined) throw new Error(`${stream} has no message ${sequence}`);
  const { subject, seq, hdrs = "", data = "" } = answer.message;
  if (seq !== sequence) throw new Error(`${stream}: asked for message ${sequence}, got ${seq}`);
  return { subject, sequence, headers: parseHeaders(decode(hdrs)), body: decode(data) };
}

/** Asks JetStream until it answers, be it that there is no such thing. */
// deno-lint-ignore no-explicit-any
async function ask(connection: NatsConnection, subject: string, question?: unknown): Promise<any> {
  for (let attempt = 1;; attempt++) {
    try {
      const options = { timeoutMs: ATTEMPT_MS };
      const answer = await connection.requestJson(`$JS.API.${subject}`, question, options);
      if (answer.error === undefined || answer.error.code === NOT_FOUND) return answer;
      throw new Error(`${subject}, ${JSON.stringify(question)}: ${answer.error.description}`);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

function decode(base64: string): Uint8Array {
  return Uint8Array.fromBase64(base64);
}

function parseHeaders(bytes: Uint8Array): ReadonlyMap<string, string> {
  const lines = new TextDecoder().decode(bytes).split("\r\n").slice(1);
  const named = lines.filter((line) => line.includes(":"));
  return new Map(named.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  }));
}
