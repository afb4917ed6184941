/**
 * Reads and writes the file AGENCY_KEYS.
 *
 * @module
 */

import { type AgencyKeys, formatAgencyKeys, parseAgencyKeys } from "./agency_keys.ts";

/** Only its owner may read or write the file. */
const MODE = 0o600;
const MODE_OF_OTHERS = 0o077;

/**
 * Reads the file.
 *
 * @throws {Error} If it cannot be read, is invalid, or others than its owner may read or write it.
 */
export function readKeyFile(path: string): AgencyKeys {
  let text: string;
  try {
    const { mode } = Deno.statSync(path);
    if (isOpenToOthers(mode)) {
      const found = (mode & 0o777).toString(8).padStart(4, "0");
      throw new Error(`its mode is ${found}: let only its owner read it, with chmod 600 ${path}`);
    }
    text = Deno.readTextFileSync(path);
    return parseAgencyKeys(text);
  } catch (cause) {
    const { message } = cause as Error;
    throw new Error(`Cannot use the keys of agencies in ${path}: ${message}`, { cause });
  }
}

/** Whether a file's mode lets others than its owner read or write it. Windows has no modes. */
export function isOpenToOthers(mode: number | null): mode is number {
  return mode !== null && (mode & MODE_OF_OTHERS) !== 0;
}

/** Writes the file: all of it, or nothing. */
export function writeKeyFile(path: string, keys: AgencyKeys): void {
  const draft = `${path}.new`;
  // A draft that was left over may have another mode.
  removeIfThere(draft);
  {
    using file = Deno.openSync(draft, { write: true, createNew: true, mode: MODE });
    const bytes = new TextEncoder().encode(formatAgencyKeys(keys));
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
    file.syncSync();
  }
  Deno.renameSync(draft, path);
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
