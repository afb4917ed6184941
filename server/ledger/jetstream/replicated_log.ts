/**
 * The port between the ledger's logic and the engine that replicates it: one append-only sequence of messages
 * per agency, each append conditional on what is there. nats_log.ts implements it on NATS JetStream; tests and
 * the simulation implement it in memory.
 *
 * Its guarantees are those of a replicated log: what was stored stays, in its place; an append without an
 * answer may be stored at any later time, but only while no other message has taken its place; and a read may
 * be stale.
 *
 * @module
 */

import type { DrawRecord } from "./draw_record.ts";

/** What a message means. A mark stores no bets: it takes the place of any append that was still in transit. */
export type MessageKind = "bets" | "mark" | "close";

/** A message of an agency. */
export interface LogMessage {
  /** A UUID: it shows whose append is stored where an answer was lost. */
  id: string;
  kind: MessageKind;
  /** The number of the agency's bets after this message. */
  bets: number;
  /** The rows of the bets as in bets.csv. Empty unless `kind` is `bets`. */
  rows: Uint8Array<ArrayBuffer>;
}

/** A message in its place. */
export interface StoredMessage extends LogMessage {
  agency: number;
  /** Its position in its stream, counted from 1. It grows from message to message of an agency, with gaps. */
  sequence: number;
  /** The stream's name, for error messages. */
  stream: string;
}

/** The outcome of one attempt to append. */
export type PublishResult =
  /** The message is durable. */
  | { status: "stored"; sequence: number }
  /** Another message is the agency's last one: this attempt has stored nothing. An earlier one may have. */
  | { status: "mismatch" }
  /** It was not sent and never can be: it is too large. */
  | { status: "refused"; reason: string }
  /** No answer, no leader, no connection: the message may be stored, now or later. */
  | { status: "unknown"; reason: string };

/** Receives messages of one partition, in order. The next ones of that partition wait for its promise. */
export type MessageListener = (messages: StoredMessage[]) => void | Promise<void>;

/** The replicated log of one draw. */
export interface ReplicatedLog extends AsyncDisposable {
  /** Resolves with the reason when the log can no longer be used: another draw has begun, a stream is damaged. */
  readonly failed: Promise<Error>;

  /** Whether an append has a chance at this moment. */
  readonly isAvailable: boolean;

  /**
   * Appends a message if the agency's last one has this sequence; 0 stands for an agency without messages. One
   * attempt, bounded in time and never repeated inside. Never rejects.
   */
  publish(agency: number, message: LogMessage, expectedSequence: number): Promise<PublishResult>;

  /**
   * Returns the last message of an agency. It may be stale: an agency may have newer messages, or some where
   * nothing is returned. What is returned is stored for good.
   *
   * @throws If the log is not available.
   */
  last(agency: number): Promise<StoredMessage | undefined>;

  /** Returns the first message of an agency whose sequence is greater than `sequence`, as {@linkcode last} does. */
  after(agency: number, sequence: number): Promise<StoredMessage | undefined>;

  /**
   * Delivers all messages of all agencies, from the first one on, and then each as it is stored: within a
   * partition in order, without gaps or repeats. An agency is in one partition. It goes on through outages
   * until it is disposed of.
   */
  follow(listener: MessageListener): AsyncDisposable;
}

/** The log of a draw on a cluster, and what the draw is. */
export interface DrawLog extends ReplicatedLog {
  readonly draw: DrawRecord;
}
