// Every entry of a bet applies the same rules: a file, with quotes or without, flags, and packets.

import { assert, assertEquals } from "@std/assert";
import { SettingsError } from "../shared/config.ts";
import { BetDecoder, encodeBetFields, PacketError } from "../shared/mod.ts";
import { wildFields } from "../shared/testing/wild_bets.ts";
import { casesWanted, Random } from "../testing/random.ts";
import { BetFileError, BetLines } from "./bet_lines.ts";
import { readBet } from "./single_bet.ts";
import { textsOf } from "./testing/bet_blocks.ts";

const TODAY = 20261123;
const VARIABLES = ["NOMBRE", "APELLIDO", "DOCUMENTO", "NACIMIENTO", "NUMERO"];
const decoder = new BetDecoder("packet");

/** Returns a bet as packets carry it, or nothing if it is refused. */
function asPacket(fields: string[]): string | undefined {
  const packet = new TextEncoder().encode(`StoreBet:1;${fields.join(";")}`);
  try {
    const rules = { agencies: 1, today: TODAY };
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(
      decoder.decode("StoreBet", packet, rules).bytes.subarray(0, -1),
    );
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
  }
}

/** Returns the bet of the second line of a file, or nothing if that line is refused. */
async function asLine(line: string): Promise<string | undefined> {
  let bytes: Uint8Array | null = new TextEncoder().encode(`A,B,1,1999-01-01,1\n${line}\n`);
  const read = (into: Uint8Array) => {
    const count = bytes?.length ?? null;
    if (bytes !== null) into.set(bytes);
    bytes = null;
    return Promise.resolve(count);
  };
  const lines = new BetLines({ read }, {
    name: "bets.csv",
    today: TODAY,
    pieceBytes: 5000,
    translatedBytesMin: 0,
  });
  const bets: string[] = [];
  try {
    for (let block = await lines.read(); block !== undefined; block = await lines.read()) {
      bets.push(...textsOf(block));
    }
  } catch (error) {
    if (error instanceof BetFileError) return;
    throw error;
  }
  return bets[1];
}

/** Returns the bet of flags, or nothing if it is refused. */
function asFlags(fields: string[]): string | undefined {
  const flags = Object.fromEntries(VARIABLES.map((name, index) => [name, fields[index]]));
  try {
    const bet = readBet({ flags, environment: () => undefined });
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(encodeBetFields(bet));
  } catch (error) {
    if (!(error instanceof BetFileError || error instanceof SettingsError)) throw error;
  }
}

function quoted(field: string): string {
  return `"${field.replaceAll('"', '""')}"`;
}

Deno.test("every way in judges a bet by the same rules and changes no character of it", async () => {
  let [accepted, refused] = [0, 0];
  const cases = casesWanted(5000);
  for (let seed = 1; seed <= cases; seed++) {
    const random = new Random(seed);
    const fields = wildFields(random);
    // The line ends of a file end a bet, and are not part of it.
    if (fields.length !== 5 || /[\n\r]/.test(fields.join(""))) continue;
    const expected = asPacket(fields);
    const hint = `seed ${seed}: ${JSON.stringify(fields)}`;
    assertEquals(await asLine(fields.map(quoted).join(",")), expected, `all quoted, ${hint}`);
    const needed = fields.map((field) =>
      /[",]/.test(field) || random.once(5) ? quoted(field) : field
    );
    assertEquals(await asLine(needed.join(",")), expected, `some quoted, ${hint}`);
    // Flags read the clock, so days of the future differ; tests of the clock are elsewhere.
    if (fields[3] < "2026") assertEquals(asFlags(fields), expected, `flags, ${hint}`);
    if (expected === undefined) refused++;
    else accepted++;
  }
  assert(Math.min(accepted, refused) > cases / 5, `${accepted} accepted, ${refused} refused`);
});

const INVISIBLE = ["\ufeff", "\u200b", "\u00a0", "\u00ad", "\u202e", "\u3164"];

Deno.test("every way in takes an invisible character for one of the field", async () => {
  for (const character of INVISIBLE) {
    for (const name of [`${character}Ana`, `Ana${character}`, character]) {
      const fields = [name, "Gil", "30", "1999-01-31", "7"];
      const expected = fields.join(";");
      assertEquals(asPacket(fields), expected);
      assertEquals(await asLine(fields.join(",")), expected);
      assertEquals(await asLine(fields.map(quoted).join(",")), expected);
      assertEquals(asFlags(fields), expected);
    }
    for (const bad of [`7${character}`, `${character}7`]) {
      const fields = ["Ana", "Gil", "30", "1999-01-31", bad];
      assertEquals(asPacket(fields), undefined);
      assertEquals(await asLine(fields.join(",")), undefined);
      assertEquals(await asLine(fields.map(quoted).join(",")), undefined);
      assertEquals(asFlags(fields), undefined);
    }
  }
});
