/**
 * Folders for the files of a test or a benchmark.
 *
 * @module
 */

/** A folder that is removed, with all its files, at the end of its block. */
export interface TempFolder extends AsyncDisposable {
  path: string;
}

/**
 * Makes an empty folder. Its name contains a space, because the folders of users do as well.
 *
 * @param parent The folder to make it in. @default {the system's folder for temporary files}
 */
export function tempFolder(parent?: string): TempFolder {
  const path = Deno.makeTempDirSync({ dir: parent, prefix: "lottery test " });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
