/**
 * Recognizes TLS where plain packets are expected: either side may be set up for the other transport.
 *
 * @module
 */

const [CHANGE_CIPHER_SPEC, APPLICATION_DATA] = [20, 23];
/** The first byte of the version in every record, from SSL 3.0 to TLS 1.3. */
const MAJOR_VERSION = 3;

/** A fatal alert, protocol_version: what a program of TLS understands as the end of the handshake. */
export const PROTOCOL_VERSION_ALERT: Uint8Array<ArrayBuffer> = Uint8Array.of(21, 3, 1, 0, 2, 2, 70);

/** Returns whether the first bytes of a stream are those of TLS. No packet begins with such bytes. */
export function isTlsRecord(bytes: Uint8Array): boolean {
  return bytes.length > 1 && bytes[0] >= CHANGE_CIPHER_SPEC && bytes[0] <= APPLICATION_DATA &&
    bytes[1] === MAJOR_VERSION;
}
