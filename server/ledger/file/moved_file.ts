/**
 * The message for a file that was replaced.
 *
 * @module
 */

/** Describes a file that was replaced while a server used it. */
export function movedMessage(file: string): string {
  return `Cannot continue: ${file} was moved or deleted while this server was running. ` +
    "Stop all servers before you touch the shared volume";
}
