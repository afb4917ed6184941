/**
 * What every tool knows about the project: its folders, and how a person starts its tasks. It
 * imports nothing, because it also runs before the @std packages are installed.
 *
 * @module
 */

/** Absolute path of the project's root folder, without a trailing slash. */
export const PROJECT_ROOT: string = import.meta.dirname!.replace(/[\\/]tools$/, "");

/** The folder that the servers of this project share, from the root folder, as messages name it. */
export const SHARED_VOLUME_NAME = "server/shared-volume";
/** Its absolute path; containers mount it. */
export const SHARED_VOLUME = `${PROJECT_ROOT}/${SHARED_VOLUME_NAME}`;

/** How a person starts a task. `./denow`, a POSIX shell script, works without an installed Deno. */
export const TASK: string = Deno.build.os === "windows" ? "deno task" : "./denow task";

/** A task cannot be done now. The message says why, and what to do about it. */
export class TaskError extends Error {
  override name = "TaskError";
}

/** Quotes a word for a command that a person copies into a POSIX shell. */
export function shellQuote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

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
