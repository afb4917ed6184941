/**
 * What a program says where it has to do without vector instructions.
 *
 * @module
 */

import type { ActionLog } from "../logging.ts";
import { hasVectorInstructions } from "./kernel.ts";

/** Logs a warning if vector instructions are not available. Everything works without them. */
export function warnWithoutVectorInstructions(log: ActionLog): void {
  if (hasVectorInstructions()) return;
  const warning = "vector instructions are not available: bets are handled by slower code";
  log.warning("config", "success", { warning });
}
