/**
 * What the tests of the tools share.
 *
 * @module
 */

import { needs } from "../testing/needs.ts";

export { type TempFolder, tempFolder } from "../testing/temp_folder.ts";

/** Begins a test that writes files. */
export function writesFiles(name: string): { name: string; ignore: boolean } {
  return needs(["write"], name);
}

/** Begins a test that runs shell scripts. */
export function runsPrograms(name: string): { name: string; ignore: boolean } {
  return needs(["posix", "write", "run", "env"], name);
}
