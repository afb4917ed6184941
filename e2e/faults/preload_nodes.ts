/**
 * Takes protections from a server whose ledger is on nodes, for the controls. Deno runs this module
 * before server/main.ts, as it does preload.ts. LOTTERY_FAULTS names them, separated by commas:
 *
 * - `no-condition`: messages are stored whatever is stored already
 * - `no-resolution`: a server recognizes none of its own messages, so it takes a lost answer for a
 *   message that was not stored
 * - `no-marks`: the number of an agency's bets is read, and no mark confirms that it is still true
 *
 * @module
 */

import { headers, type NatsConnection, wsconnect } from "@nats-io/transport-node";
import type { NODE_PROTECTIONS } from "./protections.ts";

const wanted = (Deno.env.get("LOTTERY_FAULTS") ?? "").split(",");

function isOff(protection: (typeof NODE_PROTECTIONS)[number]): boolean {
  return wanted.includes(protection);
}
