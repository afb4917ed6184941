/**
 * The names of the files on a shared volume.
 *
 * @module
 */

/** The bets of all agencies, one CSV row each. */
export const BETS_FILE = "bets.csv";
/** Where the last round of appends to {@linkcode BETS_FILE} goes: see round_journal.ts. */
export const JOURNAL_FILE = "bets.csv.round";
/** The numbers of the agencies that have closed, one a line. */
export const CLOSED_FILE = "agencies_closed.txt";
