/**
 * The environment as the client reads it, and what arguments and variables may hold.
 *
 * @module
 */

import { SettingsError } from "../shared/config.ts";

/**
 * Returns a variable of the environment.
 *
 * @throws {SettingsError} If it is not UTF-8.
 */
export function environmentVariable(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.InvalidData)) throw error;
    throw new SettingsError("client", [`${name} in the environment is not UTF-8`]);
  }
}

/**
 * Returns what is wrong with a text from outside, if anything is. Arguments have lost the bytes that are not
 * UTF-8 before the program sees them: the mark U+FFFD stands for such bytes, and only rarely for itself.
 */
export function textFault(text: string): string | undefined {
  if (!text.includes("\ufffd") && text.isWellFormed()) return undefined;
  return "holds U+FFFD, the mark of bytes that are not UTF-8: give it in a file";
}
