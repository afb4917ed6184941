/**
 * The bet of the command `bet`.
 *
 * @module
 */

import { type Bet, dayNumber, describeFault } from "../shared/mod.ts";
import { SettingsError } from "../shared/config.ts";
import { environmentVariable, textFault } from "./environment.ts";
import { BetFileError, fieldsFault } from "./bet_lines.ts";
import type { ClientSettingsSources } from "./settings.ts";

/** The environment variables of a bet, in the order of its fields. */
const VARIABLES = ["NOMBRE", "APELLIDO", "DOCUMENTO", "NACIMIENTO", "NUMERO"];

/**
 * Reads a bet from flags or, where one is missing, from the environment.
 *
 * @throws {SettingsError} If any field is missing, or is not UTF-8.
 * @throws {BetFileError} If a field breaks a rule.
 */
export function readBet(
  { flags = {}, environment = environmentVariable }: Pick<
    ClientSettingsSources,
    "flags" | "environment"
  > = {},
): Omit<Bet, "agency"> {
  const values = VARIABLES.map((name) => flags[name] ?? environment(name) ?? "");
  const missing = VARIABLES.filter((_, index) => values[index] === "");
  if (missing.length > 0) {
    const faults = missing.map((name) =>
      `${name} is missing: give --${name.toLowerCase()}, or ${name} in the environment`
    );
    throw new SettingsError("client", faults);
  }
  const unsound = VARIABLES.flatMap((name, index) => {
    const fault = textFault(values[index]);
    return fault === undefined ? [] : [`${name} ${fault}`];
  });
  if (unsound.length > 0) throw new SettingsError("client", unsound);
  const fault = fieldsFault(values, dayNumber(Date.now()));
  if (fault !== undefined) throw new BetFileError(`Cannot send bet: ${describeFault(fault)}`);
  const [firstName, lastName, document, birthdate, number] = values;
  return { firstName, lastName, document, birthdate, number: Number(number) };
}
