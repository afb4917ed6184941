/**
 * Measures encoding and decoding a StoreBatch of 100 bets against the plain model, which uses
 * strings and regular expressions: `./denow bench shared/packets_bench.ts`.
 *
 * @module
 */

import { COLON, LINE_FEED } from "./ascii.ts";
import type { Bet } from "./bet.ts";
import { ByteBuffer } from "./bytes.ts";
import { FrameBuffer } from "./framing.ts";
import { BetDecoder, decodeRequest, encodeBetFields, encodeStoreHead } from "./packets.ts";
import { plainFrames, plainStoreBets } from "./testing/plain_model.ts";

const BETS = 100;
const RULES = { agencies: 5, today: 20261123 };
const PLAIN_RULES = { agencies: 5, today: "2026-11-23" };
const LIMIT = 65_536;

/** Bets of the usual length. */
const bets: Bet[] = Array.from({ length: BETS }, (_, index) => ({
  agency: 1,
  firstName: "Tiago Nicolás",
  lastName: "Rivera",
  document: String(34_407_251 + index),
  birthdate: "2001-08-29",
  number: (7919 * index) % 10_000,
}));

const buffer = new ByteBuffer();
const line = encodeFast().slice();
const stream = Uint8Array.from([...line, LINE_FEED]);

/** Encodes the packet as a client does, without its line end. */
function encodeFast(): Uint8Array {
  buffer.length = 0;
  buffer.write(encodeStoreHead("StoreBatch", 1));
  bets.forEach((bet, index) => {
    if (index > 0) buffer.writeByte(COLON);
    buffer.write(encodeBetFields(bet));
  });
  return buffer.view();
}

function encodePlain(): Uint8Array {
  const parts = bets.map(({ agency: _agency, ...bet }) => Object.values(bet).join(";"));
  return new TextEncoder().encode(`StoreBatch:1;${parts.join(":")}`);
}

/** The same with a comma in each last name, so that no bet is a common one and rows need quotes. */
const quotedLine = new TextEncoder().encode(
  new TextDecoder().decode(line).replaceAll("Rivera", 'Rivera, "Tito"'),
);

/** Writes a packet's bets as rows, with a string per field. */
function plainRows(packet: Uint8Array): Uint8Array {
  const rows = plainStoreBets(packet, PLAIN_RULES)!.map((bet) => {
    const fields = Object.values(bet).map((field) =>
      /[",]/.test(String(field)) ? `"${String(field).replaceAll('"', '""')}"` : field
    );
    return `${fields.join(",")}\n`;
  });
  return new TextEncoder().encode(rows.join(""));
}

const decoder = new BetDecoder("rows");
for (
  const { group, packet } of [
    { group: `rows of ${BETS} bets`, packet: line },
    { group: `rows of ${BETS} bets that need quotes`, packet: quotedLine },
  ]
) {
  Deno.bench("decodeRequest()", { group, baseline: true }, () => {
    decodeRequest(packet, RULES, decoder);
  });

  Deno.bench("plain model", { group }, () => {
    plainRows(packet);
  });
}

Deno.bench("encodeBetFields()", { group: `encode ${BETS} bets`, baseline: true }, () => {
  encodeFast();
});

Deno.bench("one join()", { group: `encode ${BETS} bets` }, () => {
  encodePlain();
});

const frames = new FrameBuffer(LIMIT);
Deno.bench("FrameBuffer", { group: "frame a packet of 100 bets", baseline: true }, () => {
  for (let at = 0; at < stream.length;) {
    const space = frames.space();
    const piece = stream.subarray(at, at + space.length);
    space.set(piece);
    frames.filled(piece.length);
    at += piece.length;
    while (frames.take() !== undefined);
  }
});

Deno.bench("plain model", { group: "frame a packet of 100 bets" }, () => {
  plainFrames(stream, LIMIT);
});
