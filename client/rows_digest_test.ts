import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { RowsDigest } from "./rows_digest.ts";

const BETS = [
  "Ana;Gil;1;1999-01-31;7",
  'Ana "Pepa";Paz, de la;2;2000-02-29;42',
  "Ñandú;李😀;\u00a03;9999-12-31;0",
];
const ROWS = [
  "12,Ana,Gil,1,1999-01-31,7\n",
  '12,"Ana ""Pepa""","Paz, de la",2,2000-02-29,42\n',
  "12,Ñandú,李😀,\u00a03,9999-12-31,0\n",
];

Deno.test("RowsDigest.sha256() covers the rows of all bets in order, as bets.csv has them", async () => {
  for (const steps of [[1, 1, 1], [2, 1], [1, 2], [3]]) {
    const digest = new RowsDigest();
    assertEquals(await digest.sha256(), createHash("sha256").digest("hex"));
    for (const step of steps) {
      const bets = BETS.slice(digest.bets, digest.bets + step);
      digest.add(new TextEncoder().encode(`StoreBatch:12;${bets.join(":")}`));
      const rows = ROWS.slice(0, digest.bets).join("");
      assertEquals(await digest.sha256(), createHash("sha256").update(rows).digest("hex"));
    }
    assertEquals(digest.bets, 3);
  }
});

Deno.test("RowsDigest.sha256() covers more rows than are held", async () => {
  const digest = new RowsDigest();
  const expected = createHash("sha256");
  const bets = Array.from({ length: 1000 }, (_, at) => `${"A".repeat(60)};B;${at};1999-01-31;7`);
  const packet = new TextEncoder().encode(`StoreBatch:12;${bets.join(":")}`);
  const rows = bets.map((bet) => `12,${bet.replaceAll(";", ",")}\n`).join("");
  for (let times = 1; times <= 40; times++) {
    digest.add(packet);
    expected.update(rows);
    if (times % 10 === 0) assertEquals(await digest.sha256(), expected.copy().digest("hex"));
  }
  assertEquals(digest.bets, 40_000);
});
