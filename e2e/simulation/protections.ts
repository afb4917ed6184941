/**
 * The protections that controls switch off, one at a time: the simulation must then find a broken promise.
 *
 * @module
 */

/** A protection of servers, whatever their engine, that a control switches off. */
export type ServerProtection =
  /** A server stores a batch whatever others have stored since. */
  | "expected bets"
  /** The draw waits for the first agency only. */
  | "every close";

/** A protection of the ledger on files that a control switches off. */
export type FileProtection =
  /** Nothing is synced. */
  | "sync"
  /** A server looks for the draw only when it receives a datagram. */
  | "polls";

/** A protection of the ledger on JetStream that a control switches off. */
export type JetstreamProtection =
  /** Messages are stored whatever the last one is. */
  | "conditions"
  /** A leader answers before a majority has stored the message. */
  | "commits"
  /** After an attempt without an answer the bets are appended anew, whatever became of them. */
  | "resolution"
  /** Each attempt has an identity of its own. */
  | "identity"
  /** An attempt without an answer counts as refused. */
  | "doubt"
  /** Progress is what a read returns. */
  | "marks"
  /** A close does not stand among the bets of its agency. */
  | "fences"
  /** Messages that a follower gets again count again. */
  | "deduplication"
  /** A follower may miss messages. */
  | "completeness";

/** Any of them. */
export type Protection = ServerProtection | FileProtection | JetstreamProtection;
