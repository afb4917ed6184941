/**
 * Escapes what a reader of a message cannot see. Names and packets come from strangers: a text with
 * bidirectional controls shows other words than it holds, and one with zero-width characters looks
 * like another.
 *
 * @module
 */

/**
 * Controls, line and paragraph separators, lone surrogates, and all characters that are invisible
 * by default: the bidirectional and the zero-width ones, fillers, variation selectors, tags. U+FFF9
 * to U+FFFB are annotations.
 */
const UNREADABLE = String
  .raw`[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]`;
/** Most texts have no other characters. They are judged without the tables of Unicode, which load slowly. */
const PRINTABLE_ASCII = /^[ -~]*$/;

/** Returns whether a reader sees every character of a text. */
export function isReadable(text: string): boolean {
  return PRINTABLE_ASCII.test(text) || !new RegExp(UNREADABLE, "u").test(text);
}

/**
 * Quotes a text as JSON. JSON escapes C0 controls; this escapes all that a reader cannot see.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { quoteText } from "./readable.ts";
 *
 * assertEquals(quoteText("\ufeffJosé"), '"\\ufeffJosé"');
 * ```
 */
export function quoteText(text: string): string {
  return quoteJson(text);
}

/** Writes a value as JSON of one line, with everything escaped that a reader cannot see. */
export function quoteJson(value: unknown): string {
  return escapeAll(JSON.stringify(value));
}

/** Quotes a value that was refused. Also escapes blanks that look like the space but are not. */
export function quoteRefused(text: string): string {
  return quoteText(text).replaceAll(/(?! )\p{Zs}/gu, escapeUnits);
}

/** Escapes what a reader cannot see in a message of several lines. Line feeds stay. */
export function escapeMessage(message: string): string {
  return message.split("\n").map(escapeAll).join("\n");
}

function escapeAll(text: string): string {
  return isReadable(text) ? text : text.replaceAll(new RegExp(UNREADABLE, "gu"), escapeUnits);
}

function escapeUnits(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}
