/**
 * The protections of a server that a test can switch off, to see that its check notices. preload.ts does it.
 *
 * @module
 */

/** Their names. */
export const PROTECTIONS: readonly string[] = [
  "no-sync",
  "no-repair",
  "no-journal",
  "no-lock",
  "no-sync-errors",
  "no-write-errors",
  "no-signals",
  "no-closed-check",
];
