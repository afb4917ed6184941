/**
 * What the rows of a batch of 100 bets cost, against the plain way with a string per field:
 * `deno bench server/ledger/rows_bench.ts`.
 *
 * @module
 */

import { ByteBuffer } from "../../shared/bytes.ts";
import { BetBatch, decodeRequest } from "../../shared/packets.ts";
import { writeRows } from "./rows.ts";

const BETS = 100;
const RULES = { agencies: 5, today: 20261123 };

/** A batch of bets as long as those of the dataset are. */
function makeBatch(lastName: string): BetBatch {
  const bets = Array.from(
    { length: BETS },
    (_, index) =>
      `Tiago Nicolás;${lastName};${34_407_251 + index};2001-08-29;${(7919 * index) % 10_000}`,
  );
  const batch = new BetBatch();
  decodeRequest(new TextEncoder().encode(`StoreBatch:1;${bets.join(":")}`), RULES, batch);
  return batch;
}

function plainRows(batch: BetBatch): Uint8Array {
  const rows = Array.from({ length: batch.count }, (_, index) => {
    const fields = Object.values(batch.bet(index)).map(String);
    const quoted = fields.map((field) =>
      /[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
    );
    return `${quoted.join(",")}\n`;
  });
  return new TextEncoder().encode(rows.join(""));
}

const out = new ByteBuffer(64 * 1024);
for (
  const { group, batch } of [
    { group: `rows of ${BETS} bets`, batch: makeBatch("Rivera") },
    { group: `rows of ${BETS} bets that need quotes`, batch: makeBatch('Rivera, "Tito"') },
  ]
) {
  Deno.bench("writeRows()", { group, baseline: true }, () => {
    out.length = 0;
    writeRows(batch, out);
  });

  Deno.bench("a string per field", { group }, () => {
    plainRows(batch);
  });
}
