/**
 * Errors after which a ledger cannot keep its promises.
 *
 * @module
 */

/** What is stored is uncertain or damaged: the server must stop. */
export class FatalLedgerError extends Error {
  override name = "FatalLedgerError";
}

/** The disk has failed to sync a file. What it had not written may be lost although it can be read. */
export class SyncFailedError extends FatalLedgerError {
  override name = "SyncFailedError";
}
