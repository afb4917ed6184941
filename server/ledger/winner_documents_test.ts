import { assert, assertEquals } from "@std/assert";
import { forAll } from "../../testing/random.ts";
import { WinnerDocuments } from "./winner_documents.ts";

const textOf = (pieces: Uint8Array[]) =>
  pieces.map((piece) => new TextDecoder().decode(piece)).join(";");

Deno.test(
  "WinnerDocuments.pieces() has all documents in their order",
  { permissions: "none" },
  () => {
    forAll({ cases: 300 }, (random) => {
      const winners = new WinnerDocuments();
      const all: string[] = [];
      for (let run = random.below(8); run > 0; run--) {
        const documents = Array.from(
          { length: 1 + random.below(random.once(4) ? 20_000 : 20) },
          () => "7".repeat(1 + random.below(random.once(500) ? 90_000 : 20)),
        );
        const bytes = new TextEncoder().encode(`x${documents.map((text) => `${text};`).join("")}y`);
        winners.write(bytes, 1, bytes.length - 1);
        all.push(...documents);
      }
      assertEquals(textOf(winners.pieces()), all.join(";"));
    });
  },
);

Deno.test("WinnerDocuments.pieces() returns pieces that later documents do not change", {
  permissions: "none",
}, () => {
  const winners = new WinnerDocuments();
  const bytes = new TextEncoder().encode("11;22;");
  winners.write(bytes, 0, 3);
  const pieces = winners.pieces();
  winners.write(bytes, 3, 6);
  assertEquals([textOf(pieces), textOf(winners.pieces())], ["11", "11;22"]);
});

Deno.test("WinnerDocuments never copies a large part of what it holds", {
  permissions: "none",
}, () => {
  const winners = new WinnerDocuments();
  const bytes = new TextEncoder().encode("12345678;".repeat(5000));
  for (let run = 0; run < 100; run++) winners.write(bytes, 0, bytes.length);
  for (const piece of winners.pieces()) assert(piece.length <= 64 * 1024);
});
