/**
 * Keeps an error of a socket that nobody uses any more from ending the server.
 *
 * The client of NATS removes its listeners from a socket before it closes it, and also while it waits for a
 * greeting or for TLS. If the peer resets the connection at that moment, the error has no listener, and an
 * error without one ends the process. The client itself has noticed the end of the connection by then, or
 * gives it up after its deadline.
 *
 * @module
 */

let isInstalled = false;

/** Ignores errors of node:net that reach no listener. Servers use no other sockets of that module. */
export function surviveAbandonedSockets(): void {
  if (isInstalled) return;
  isInstalled = true;
  globalThis.addEventListener("error", (event) => {
    if (isSocketError(event.error)) event.preventDefault();
  });
}

/** Whether an error comes from a system call on a connection, as node:net reports it. */
export function isSocketError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, syscall } = error as { code?: unknown; syscall?: unknown };
  return typeof code === "string" && /^E[A-Z]+$/.test(code) &&
    (syscall === "read" || syscall === "write" || syscall === "connect" || syscall === "shutdown");
}
