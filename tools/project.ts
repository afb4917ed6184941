/**
 * The project on this machine: where it is, and a helper for files that may be missing. It imports nothing,
 * because it also runs before the std packages are there.
 *
 * @module
 */

/** Absolute path of the project's root folder, without a trailing slash. */
export const PROJECT_ROOT: string = decodeURIComponent(new URL("..", import.meta.url).pathname)
  .replace(/^\/(?=[A-Za-z]:)/, "")
  .replace(/\/$/, "");

/**
 * Awaits a file operation that may find nothing.
 *
 * @returns What the promise resolves to, or undefined if it rejects with NotFound.
 */
export async function unlessNotFound<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
