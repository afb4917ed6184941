/**
 * The outcome of a batch in a round.
 *
 * @module
 */

import type { RefusalReason } from "../figures.ts";

/** The outcome of a batch, and why it was refused. */
export type RoundResult =
  | AppendedResult
  | { status: "refused"; why: RefusalReason; reason: string };

/** The outcome of a batch that was appended: it is refused no more. */
export type AppendedResult =
  | { status: "stored" }
  | { status: "unknown"; reason: string };
