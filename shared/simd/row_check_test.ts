import { assert, assertEquals, assertMatch } from "@std/assert";
import { casesWanted, forAll, type Random } from "../../testing/random.ts";
import { plainBet, plainText } from "../testing/plain_model.ts";
import { mostlyCommonFields, mutate } from "../testing/wild_bets.ts";
import { RowCheck } from "./row_check.ts";

const AGENCIES = 999;
const TODAY = 20261123;
const PLAIN_TODAY = "2026-11-23";
const utf8 = (text: string) => new TextEncoder().encode(text);
const check = new RowCheck({ inputBytesMax: 4096, agencies: AGENCIES, today: TODAY });

/** Returns where the check stops in these rows. */
function stopOf(rows: string | Uint8Array): number {
  const bytes = typeof rows === "string" ? utf8(rows) : rows;
  check.input.set(bytes);
  return check.check(0, bytes.length);
}

Deno.test("RowCheck.check() accepts rows of at most 64 bytes", { permissions: "none" }, () => {
  const row = (nameBytes: number) => `1,${"x".repeat(nameBytes)},Paz,30123456,1990-05-30,7574\n`;
  const rest = utf8(row(0)).length - 1;
  assertEquals(stopOf(row(64 - rest)), 65);
  assertEquals(stopOf(row(65 - rest)), 0);
  assertEquals(stopOf(row(5) + row(65 - rest)), utf8(row(5)).length);
});

Deno.test("RowCheck.check() accepts names and documents up to their limits", {
  permissions: "none",
}, () => {
  const row = (document: string) => `${AGENCIES},Zoë,Ñu,${document},2026-11-23,0\n`;
  assertEquals(stopOf(row("7".repeat(20))), utf8(row("7".repeat(20))).length);
  for (const document of ["", "7".repeat(21)]) assertEquals(stopOf(row(document)), 0);
  assertEquals(stopOf(`${AGENCIES + 1},Zoë,Ñu,7,2026-11-23,0\n`), 0);
  assertEquals(stopOf(`1,Zoë,Ñu,7,2026-11-24,0\n`), 0);
});

Deno.test("RowCheck.check() accepts only what the plain model accepts", {
  permissions: "none",
}, () => {
  let taken = 0;
  const cases = casesWanted(20_000);
  forAll({ cases }, (random) => {
    const rows = Array.from({ length: 1 + random.below(3) }, () => wildRow(random));
    const input = Uint8Array.from(rows.flatMap((bytes) => [...bytes]));
    const accepted = plainText(input.subarray(0, stopOf(input)));
    assert(accepted !== undefined, "the accepted input must be UTF-8");
    const parts = accepted.split("\n");
    assertEquals(parts.pop(), "", "it must stop after a line feed");
    for (const part of parts) {
      const [agency, ...fields] = part.split(",");
      assertMatch(agency, /^[1-9]\d{0,2}$/);
      assert(plainBet(fields, PLAIN_TODAY) !== undefined, `the model rejects ${part}`);
    }
    taken += parts.length;
  });
  // Leaving rows to the caller is never wrong, but the check must do most of the work.
  assert(taken > cases / 3, `${taken} rows of ${cases} cases`);
});

/** A row with its line feed, usually a common one. */
function wildRow(random: Random): Uint8Array {
  const fields = mostlyCommonFields(random);
  const agency = random.once(6)
    ? random.pick(["", "0", "07", "1000", "9999", "10000", "x", "4 "])
    : String(1 + random.below(AGENCIES));
  const bytes = utf8(`${[agency, ...fields].join(",")}\n`);
  return random.once(3) ? Uint8Array.from([...mutate(random, bytes), 0x0a]) : bytes;
}
