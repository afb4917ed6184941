/**
 * The ASCII bytes that delimit packets and CSV rows.
 *
 * @module
 */

export const LINE_FEED = 0x0a;
export const CARRIAGE_RETURN = 0x0d;
/** `"` */
export const QUOTE = 0x22;
/** `,` */
export const COMMA = 0x2c;
/** `-` */
export const DASH = 0x2d;
/** `0`; the other digits follow it. */
export const ZERO = 0x30;
/** `:` */
export const COLON = 0x3a;
/** `;` */
export const SEMICOLON = 0x3b;
