/**
 * The first difference between a certificate and what it is about.
 *
 * @module
 */

/** The first difference, as a message: what is stated where, and what was found. */
export class Difference extends Error {
  override name = "Difference";
}
