/**
 * Compares the vector code with scalar TypeScript: `./denow bench shared/simd`.
 *
 * @module
 */

import { COMMA, LINE_FEED, ZERO } from "../ascii.ts";
import { BetScanner } from "../bet.ts";
import { BetTranslator } from "./bet_translator.ts";
import { indexOfLineFeed } from "./line_feed.ts";
import { RowCheck } from "./row_check.ts";
import { RowScanner } from "./row_scanner.ts";

const TODAY = 20261123;
const bet = (index: number, separator: string) =>
  ["Tiago Nicolás", "Rivera", 34_407_251 + index, "2001-08-29", 7919 * index % 9000].join(
    separator,
  );
const bytesOf = (parts: string[]) => new TextEncoder().encode(parts.join(""));

const bets = bytesOf(Array.from({ length: 100 }, (_, index) => `${bet(index, ";")}:`));
const translator = new BetTranslator({ notation: "packet to rows", inputBytesMax: bets.length });
translator.input.set(bets);

Deno.bench("BetTranslator checks and translates", { group: "100 bets", baseline: true }, () => {
  translator.begin("1,");
  translator.translate(0, bets.length, TODAY);
});

const scanner = new BetScanner(";", ":");
Deno.bench("BetScanner only checks", { group: "100 bets" }, () => {
  for (let at = 0; at < bets.length; at = scanner.end + 1) {
    scanner.scan(bets, at, bets.length, TODAY);
  }
});

const rows = bytesOf(
  Array.from({ length: 5000 }, (_, index) => `${1 + Math.floor(index / 100)},${bet(index, ",")}\n`),
);
// No number of a row ends in 9999, so that no scan stops.
const rowScanner = new RowScanner({ winningNumber: 9999, inputBytesMax: rows.length });
rowScanner.input.set(rows);

Deno.bench("RowScanner", { group: "5000 rows", baseline: true }, () => {
  rowScanner.scan(0, rows.length);
});

const rowCheck = new RowCheck({ inputBytesMax: rows.length, agencies: 100, today: TODAY });
rowCheck.input.set(rows);

Deno.bench("RowCheck", { group: "5000 rows" }, () => {
  rowCheck.check(0, rows.length);
});

const counts = new Float64Array(100);
Deno.bench("a loop over bytes", { group: "5000 rows" }, () => {
  let agency = 0;
  let isAgency = true;
  for (let at = 0; at < rows.length; at++) {
    const byte = rows[at];
    if (byte === LINE_FEED) {
      counts[agency]++;
      agency = 0;
      isAgency = true;
    } else if (byte === COMMA) isAgency = false;
    else if (isAgency) agency = 10 * agency + byte - ZERO;
  }
});

const packet = new Uint8Array(7600).fill(ZERO);
packet[packet.length - 1] = LINE_FEED;

Deno.bench("indexOfLineFeed()", { group: "7600 bytes", baseline: true }, () => {
  indexOfLineFeed(packet, 0, packet.length);
});

Deno.bench("indexOf()", { group: "7600 bytes" }, () => {
  packet.indexOf(LINE_FEED);
});
