/**
 * The protections of a server that a control can switch off; preload.ts says what each does.
 *
 * @module
 */

/** Their names. */
export const PROTECTIONS = [
  "no-sync",
  "no-repair",
  "no-journal",
  "no-lock",
  "no-sync-errors",
  "no-signals",
] as const;
