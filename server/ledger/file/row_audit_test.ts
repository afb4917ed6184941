import { assert, assertEquals } from "@std/assert";
import { casesWanted, forAll } from "../../../testing/random.ts";
import { goodBet, mutate } from "../../../shared/testing/wild_bets.ts";
import { explainRow } from "../bet_row.ts";
import { RowAudit } from "./row_audit.ts";

const RULES = { agencies: 50, today: 20261123 };
const encoder = new TextEncoder();

Deno.test("RowAudit.firstInvalidRow() finds the row that explainRow() rejects first", () => {
  const audit = new RowAudit(RULES, 4096);
  let valid = 0;
  const cases = casesWanted(5000);
  forAll({ cases }, (random) => {
    const rows = Array.from({ length: 1 + random.below(5) }, () => {
      const { firstName, lastName, document, birthdate, number } = random.once(2)
        ? goodBet(random)
        : { ...goodBet(random), firstName: "Ana", lastName: "Paz", document: "30123456" };
      const texts = [firstName, lastName, document].map((text) =>
        /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
      );
      const agency = random.once(20) ? 51 : 1 + random.below(50);
      const row = encoder.encode([agency, ...texts, birthdate, number].join(","));
      const wild = random.once(6) ? mutate(random, row) : row;
      return wild.filter((byte) => byte !== 0x0a);
    });
    const bytes = Uint8Array.from(rows.flatMap((row) => [...row, 0x0a]));
    const first = rows.findIndex((row) => explainRow(Uint8Array.from(row), RULES) !== undefined);
    const expected = first < 0
      ? -1
      : rows.slice(0, first).reduce((sum, row) => sum + row.length + 1, 0);
    assertEquals(audit.firstInvalidRow(bytes), expected);
    if (first < 0) valid++;
  });
  assert(valid > cases / 4 && valid < cases, `${valid} of ${cases} are valid`);
});

Deno.test("RowAudit.firstInvalidRow() ignores the beginning of a row", () => {
  const audit = new RowAudit(RULES, 4096);
  assertEquals(audit.firstInvalidRow(encoder.encode("1,Ana,Paz,1,1980-01-01,1\n1,An")), -1);
  assertEquals(audit.firstInvalidRow(encoder.encode("1,An")), -1);
});
