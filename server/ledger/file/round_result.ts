/**
 * The outcome of a batch in a round.
 *
 * @module
 */

import type { RefusalReason } from "../figures.ts";

/** The outcome of a batch, and why it was refused. */
export type RoundResult =
  | { status: "stored" }
  | { status: "refused"; why: RefusalReason; reason: string }
  | { status: "unknown"; reason: string };
