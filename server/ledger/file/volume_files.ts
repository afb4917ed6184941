/**
 * The names of the files on a shared volume.
 *
 * @module
 */

/** The bets of all agencies, one CSV row each. */
export const BETS_FILE = "bets.csv";
/** The journal of {@linkcode BETS_FILE}: see round_journal.ts. */
export const JOURNAL_FILE = "bets.csv.round";
/** What of {@linkcode BETS_FILE} is durable: see checkpoint_file.ts. */
export const CHECKPOINT_FILE = "bets.csv.checkpoint";
/** The redo log of each server begins with this: see redo_log.ts. */
export const LOG_PREFIX = "bets.csv.log-";
/** The numbers of the agencies that have closed, one a line. */
export const CLOSED_FILE = "agencies_closed.txt";
/** Which lottery the volume belongs to: see lottery_identity.ts. */
export const IDENTITY_FILE = "lottery.json";
/** Empty. The server that writes for all holds its lock: see handover/handover.ts. */
export const WRITER_FILE = ".writer";
/** The Unix socket at which that server listens. */
export const WRITER_SOCKET = ".writer.sock";
/** What a server tries to write begins with this: see heartbeat.ts. */
export const TRIAL_PREFIX = ".trial-";
/** Left by a server whose disk has failed to sync: see disk_failure.ts. */
export const DISK_FAILURE_FILE = "disk-failure.json";
