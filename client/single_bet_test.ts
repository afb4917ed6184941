import { assertEquals, assertThrows } from "@std/assert";
import { SettingsError } from "../shared/config.ts";
import { BetFileError } from "./bet_lines.ts";
import { readBet } from "./single_bet.ts";

const NAMES = { NOMBRE: "Ana", APELLIDO: "Gil", DOCUMENTO: "30", NACIMIENTO: "1999-01-31" };

/** Returns sources with these environment variables and flags only. */
function sources(environment: Record<string, string>, flags: Record<string, string> = {}) {
  return { flags, environment: (name: string) => environment[name] };
}

Deno.test("readBet() reads a bet from flags and the environment", () => {
  assertEquals(readBet(sources({ ...NAMES, NUMERO: "1" }, { NUMERO: "0042" })), {
    firstName: "Ana",
    lastName: "Gil",
    document: "30",
    birthdate: "1999-01-31",
    number: 42,
  });
});

Deno.test("readBet() refuses the mark of bytes that are not UTF-8", () => {
  for (const broken of ["Ana\ufffd", "\ud800Ana"]) {
    const faults = [
      "NOMBRE holds U+FFFD, the mark of bytes that are not UTF-8: give it in a file",
    ];
    const environment = { ...NAMES, NUMERO: "1" };
    const read = (...given: Parameters<typeof sources>) =>
      assertThrows(() => readBet(sources(...given)), SettingsError).faults;
    assertEquals(read({ ...environment, NOMBRE: broken }), faults);
    assertEquals(read(environment, { NOMBRE: broken }), faults);
  }
});

Deno.test("readBet() reports missing and invalid fields", () => {
  const missing = assertThrows(() => readBet(sources(NAMES)), SettingsError);
  assertEquals(missing.faults, ["NUMERO is missing: give --numero, or NUMERO in the environment"]);
  for (const invalid of [{ NUMERO: "x" }, { NUMERO: "1", NOMBRE: "A;B" }, { NUMERO: "10000" }]) {
    const environment = { ...NAMES, ...invalid };
    assertThrows(() => readBet(sources(environment)), BetFileError, "Cannot send bet: ");
  }
});
