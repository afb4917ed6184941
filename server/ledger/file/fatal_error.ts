/**
 * Errors after which the file ledger cannot keep its promises.
 *
 * @module
 */

/** The state of the files is in doubt, or they are damaged: the server must stop. */
export class FatalLedgerError extends Error {
  override name = "FatalLedgerError";
}

/** The disk has failed to sync a file. What it had not written may be lost although it can be read. */
export class SyncFailedError extends FatalLedgerError {
  override name = "SyncFailedError";
}

/** Describes a file that was replaced while a server used it. */
export function movedMessage(file: string): string {
  return `Cannot continue: ${file} was moved or deleted while this server was running. ` +
    "Stop all servers before you touch the shared volume";
}
