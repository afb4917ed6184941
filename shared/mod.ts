/**
 * What both sides of the lottery agree on: bets, packets, rows, framing, log lines and settings.
 *
 * @module
 */

export * from "./bet.ts";
export * from "./simd/bet_translator.ts";
export * from "./bytes.ts";
export * from "./config.ts";
export * from "./framing.ts";
export * from "./logging.ts";
export * from "./packets.ts";
export * from "./rows.ts";
