/**
 * The protections of a server that a control can switch off; preload.ts says what each does.
 *
 * @module
 */

/** Those of a server with files. */
export const PROTECTIONS = [
  "no-sync",
  "no-log-sync",
  "no-checkpoint-order",
  "no-log-lock",
  "no-log-watch",
  "no-repair",
  "no-journal",
  "no-lock",
  "no-sync-errors",
  "no-signals",
  "no-prompt-exit",
] as const;

/** The protections of a server whose ledger is on nodes; preload_nodes.ts says what each does. */
export const NODE_PROTECTIONS = ["no-condition", "no-resolution", "no-marks"] as const;
