/**
 * The addresses of this machine on which processes of a lottery reach each other without containers.
 *
 * @module
 */

/** The address on which programs listen. */
export const LOOPBACK = "127.0.0.1";
/** The address whose datagrams reach every server of this machine that listens on their port. */
export const LOOPBACK_BROADCAST = "127.255.255.255";

/** Whether this user can listen on a port of {@linkcode LOOPBACK}. */
export function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: LOOPBACK, port }).close();
    return true;
  } catch (error) {
    const { AddrInUse, PermissionDenied } = Deno.errors;
    // A RangeError means that there is no such port.
    const reasons = [AddrInUse, PermissionDenied, RangeError];
    if (reasons.some((reason) => error instanceof reason)) return false;
    throw error;
  }
}
