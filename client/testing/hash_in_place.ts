/**
 * A hash for tests whose clock is simulated.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** Returns the SHA-256 of `bytes` without waiting for a thread, which would take time of the real clock. */
export function hashInPlace(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
