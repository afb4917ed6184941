/**
 * Takes protections from a server whose ledger is on nodes, for the controls. Deno runs this module
 * before server/main.ts, as it does preload.ts. LOTTERY_FAULTS names them, separated by commas:
 *
 * - `no-condition`: messages are stored whatever is stored already
 * - `no-resolution`: a server does not recognize its own messages, so it takes each message without an
 *   answer for one that was not stored
 * - `no-marks`: a server answers with the number of bets that it knows, and no mark confirms it
 *
 * @module
 */

import * as transport from "@nats-io/transport-node";
import type { NODE_PROTECTIONS } from "./protections.ts";

const CONDITION = "Nats-Expected-Last-Subject-Sequence";

/** The part of the client's classes that is changed here; its types leave them out. */
interface ClientClasses {
  MsgHdrsImpl: { prototype: transport.MsgHdrs & { encode(): Uint8Array } };
  NatsConnectionImpl: { prototype: transport.NatsConnection };
}

const { MsgHdrsImpl: { prototype: headers }, NatsConnectionImpl: { prototype: connection } } =
  transport as unknown as ClientClasses;
const wanted = (Deno.env.get("LOTTERY_FAULTS") ?? "").split(",").filter((name) => name !== "");

function isOff(protection: (typeof NODE_PROTECTIONS)[number]): boolean {
  return wanted.includes(protection);
}

if (isOff("no-condition")) {
  const encode = headers.encode;
  headers.encode = function () {
    // Draws keep theirs: servers must agree on one.
    if (this.has("Lottery-Kind")) this.delete(CONDITION);
    return encode.call(this);
  };
}

if (isOff("no-resolution")) {
  const get = headers.get;
  headers.get = function (name) {
    return name === "Lottery-Id" ? crypto.randomUUID() : get.call(this, name);
  };
}

if (isOff("no-marks")) {
  const publish = connection.publish;
  connection.publish = function (subject, payload, options) {
    const expected = Number(options?.headers?.get(CONDITION));
    if (options?.headers?.get("Lottery-Kind") !== "mark" || expected === 0) {
      return publish.call(this, subject, payload, options);
    }
    // The server gives the answer itself, in place of the leader.
    publish.call(this, options!.reply!, JSON.stringify({ stream: "", seq: expected }));
  };
}

console.log(`action: faults | result: success | faults: ${wanted.join(",")}`);
