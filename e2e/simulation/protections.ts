/**
 * The protections that controls switch off, one at a time: the simulation must then find a broken promise.
 *
 * @module
 */

/** Those of servers, whatever their engine. */
export const SERVER_PROTECTIONS = [
  /** A server stores a batch whatever others have stored since. */
  "expected bets",
  /** The draw waits for the first agency only. */
  "every close",
  /** A call whose outcome is unknown is answered as refused. */
  "unknown outcomes",
] as const;

/** Those of the ledger on files. */
export const FILE_PROTECTIONS = [
  /** Nothing is synced. */
  "sync",
  /** Redo logs are not synced. */
  "sync of logs",
  /** bets.csv is not synced before a checkpoint is recorded. */
  "order of checkpoints",
  /** A server that starts takes all others for dead. */
  "locks of logs",
  /** A server looks for the draw only when it receives a datagram. */
  "polls",
  /** A batch whose outcome has not come back from the server that writes counts as not stored. */
  "doubt of handed batches",
  /** The server that writes answers a batch of another one before it has stored it. */
  "outcomes of rounds",
  /** The server that writes stores a batch of another one whatever its sender expects to be stored. */
  "expected bets of others",
] as const;

/** Those of the ledger on JetStream, and of JetStream itself. */
export const JETSTREAM_PROTECTIONS = [
  /** Messages are stored whatever the last one is. */
  "conditions",
  /** A leader answers before a majority has stored the message. */
  "commits",
  /** After an attempt without an answer the bets are appended anew, whatever became of them. */
  "resolution",
  /** Each attempt has an identity of its own. */
  "identity",
  /** An attempt without an answer counts as refused by its condition. */
  "doubt",
  /** Progress is what a read returns. */
  "marks",
  /** A close does not stand among the bets of its agency. */
  "fences",
  /** Messages that a follower gets again count again. */
  "deduplication",
  /** A follower may miss messages. */
  "completeness",
  /** Sessions that wait for the draw are not told of it. */
  "notices",
] as const;

/** Any of them. */
export type Protection =
  | (typeof SERVER_PROTECTIONS)[number]
  | (typeof FILE_PROTECTIONS)[number]
  | (typeof JETSTREAM_PROTECTIONS)[number];
