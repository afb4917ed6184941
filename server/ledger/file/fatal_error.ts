/**
 * Errors after which the file ledger cannot keep its promises.
 *
 * @module
 */

/** The state of the files is in doubt, or they are damaged: the server must stop. */
export class FatalLedgerError extends Error {
  override name = "FatalLedgerError";
}
