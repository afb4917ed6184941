import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { BetFileError } from "../../client/bet_lines.ts";
import { needs } from "../../testing/needs.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import { compareBets, type Comparison, rowsOfVolume } from "./comparison.ts";
import { comparisonExitCode, comparisonLines } from "./comparison_report.ts";

/** The file of agency 1, as a person may write it. */
const FILE = '\ufeffAna,Gil,1,1990-01-01,0042\r\n"Eva, María",Sosa,2,1990-01-02,7574\r\n' +
  '"Juan ""Pepe""",Paz,3,1992-02-29,3';
const [ANA, EVA, JUAN] = [
  "1,Ana,Gil,1,1990-01-01,42\n",
  '1,"Eva, María",Sosa,2,1990-01-02,7574\n',
  '1,"Juan ""Pepe""",Paz,3,1992-02-29,3\n',
];
const OTHERS = "2,Ana,Gil,1,1990-01-01,42\n11,Ana,Gil,1,1990-01-01,42\n";

/** What is stored, and what the report says. */
interface Case {
  name: string;
  bets: string;
  stored: number;
  code: number;
  says: string[];
}

const CASES: Case[] = [
  { name: "nothing", bets: OTHERS, stored: 0, code: 0, says: ["the first 0 ", "3 are not stored"] },
  {
    name: "the first bets, among those of others",
    bets: OTHERS + ANA + OTHERS + EVA + OTHERS,
    stored: 2,
    code: 0,
    says: ["2 bets are stored; FILE has 3", "the first 2 of the file; 1 are not stored yet"],
  },
  { name: "all bets", bets: ANA + EVA + JUAN, stored: 3, code: 0, says: ["every bet of the file"] },
  {
    name: "a name and a number that differ",
    bets: OTHERS + ANA + EVA.replace("María", "Maria").replace("7574", "7575") + JUAN,
    stored: 3,
    code: 6,
    says: [
      "line 2 of FILE is not what is stored in its place (line 4 of bets.csv, byte 79)",
      'first name: "Eva, María" in the file, "Eva, Maria" stored',
      'number: "7574" in the file, "7575" stored',
    ],
  },
  {
    name: "all bets but the first",
    bets: EVA + JUAN,
    stored: 2,
    code: 6,
    says: ["line 1 of FILE is not", "line 2 is, and line 1 is not stored", "1,Ana,Gil"],
  },
  {
    name: "a bet by hand before the others",
    bets: "1,Zoe,Rey,9,1990-01-09,9\n" + ANA + EVA + JUAN,
    stored: 4,
    code: 6,
    says: ["line 1 of FILE is not", "does not have there comes first", "1,Zoe,Rey"],
  },
  {
    name: "a bet by hand after the others",
    bets: ANA + EVA + JUAN + "1,Z\u200boe,Rey,9,1990-01-09,9\n",
    stored: 4,
    code: 6,
    says: [
      "FILE has no line 4, but a bet is stored in its place (line 4 of bets.csv",
      "Z\\u200boe",
    ],
  },
  {
    name: "a row that was edited by hand",
    bets: '1,"Ana",Gil,1,1990-01-01,42\n',
    stored: 1,
    code: 6,
    says: ['in the file: "1,Ana,Gil', 'stored: "1,\\"Ana\\",Gil'],
  },
  {
    name: "a damaged row",
    bets: "1,\0\0\0\n",
    stored: 1,
    code: 6,
    says: ['stored: "1,\\u0000\\u0000\\u0000"'],
  },
];

/** Compares stored bets with a file. `step` bytes are read at once. */
async function compare(
  bets: string,
  { file = FILE, step = Infinity, wholeSize = -1 } = {},
): Promise<Comparison & { text: string }> {
  await using folder = tempFolder();
  const data = `${folder.path}/agency-1.csv`;
  await Deno.writeTextFile(data, file);
  const bytes = new TextEncoder().encode(bets);
  const rows = rowsOfVolume({
    agency: 1,
    wholeSize: wholeSize < 0 ? bytes.length : wholeSize,
    read: (into, position) => {
      const found = bytes.subarray(position, position + Math.min(step, into.length));
      into.set(found);
      return found.length;
    },
  });
  const comparison = await compareBets({ agency: 1, data, rows });
  const text = comparisonLines(comparison, { agency: 1, data }).join("\n").replaceAll(data, "FILE");
  return { ...comparison, text };
}

for (const { name, bets, stored, code, says } of CASES) {
  Deno.test({
    ...needs(["write"], `compareBets() compares the file with ${name}`),
    fn: async () => {
      for (const step of [1, 7, Infinity]) {
        const comparison = await compare(bets, { step });
        assertEquals([comparison.stored, comparison.inFile], [stored, 3], comparison.text);
        assertEquals(comparisonExitCode(comparison), code, comparison.text);
        for (const words of says) {
          assertEquals(comparison.text.includes(words), true, `${words}:\n${comparison.text}`);
        }
      }
    },
  });
}

Deno.test({
  ...needs(["write"], "compareBets() compares large files, and stops at the last complete row"),
  fn: async () => {
    const rows = Array.from({ length: 60_000 }, (_, index) => `Ana,Gil,${index},1990-01-01,7`);
    const bets = rows.map((row) => `1,${row}\n2,${row}\n`).join("");
    const file = rows.join("\n");
    const torn = `${bets}1,Ana,G`;
    const same = await compare(torn, { file, wholeSize: bets.length });
    assertEquals([same.stored, same.inFile, same.difference], [60_000, 60_000, undefined]);
    const changed = bets.replace("1,Ana,Gil,59999,", "1,Ana,Gil,5999,");
    const { difference } = await compare(changed, { file });
    assertEquals(difference?.line, 60_000);
    assertStringIncludes(difference?.stored.place() ?? "", "line 119999 of bets.csv");
  },
});

Deno.test({
  ...needs(["write"], "compareBets() names the line of an invalid bet in the file"),
  fn: async () => {
    const file = "Ana,Gil,1,1990-01-01,42\nAna,Gil,1,1990-02-30,42\n";
    const error = await assertRejects(() => compare(ANA, { file }), BetFileError);
    assertEquals(/agency-1\.csv:2: birthdate "1990-02-30"/.test(error.message), true);
  },
});
