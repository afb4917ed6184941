import { assertEquals } from "@std/assert";
import { needs } from "../../testing/needs.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import { continuationFault, storedRows, tallyBets } from "./stored_bets.ts";

/** The agencies' files, as a person may write them. */
const AGENCIES = [
  'Ana,Gil,1,1990-01-01,0042\r\n"Eva, María",Sosa,2,1990-01-02,7574\r\nJuan,Paz,3,1990-01-03,3\r\n',
  "\ufeffRosa,Luz,4,1990-01-04,4\nLuis,Mar,5,1990-01-05,5",
];

const CASES = [
  { name: "nothing stored", bets: "" },
  {
    name: "the first bets of both",
    bets:
      '1,Ana,Gil,1,1990-01-01,42\n2,Rosa,Luz,4,1990-01-04,4\n1,"Eva, María",Sosa,2,1990-01-02,7574\n',
  },
  {
    name: "all bets of one",
    bets: "2,Rosa,Luz,4,1990-01-04,4\n2,Luis,Mar,5,1990-01-05,5\n",
  },
  { name: "a torn row", bets: "2,Rosa,Luz,4,1990-01-04,4\n1,Ana,Gil,1,1990-01-01,4" },
  { name: "damage", bets: '2,Rosa,Luz,4,1990-01-04,4\n\0\0\0\n1,"x\n1,y\n' },
  {
    name: "another bet",
    bets: "1,Ana,Gil,1,1990-01-01,43\n",
    fault: "its bets of agency 1 are not the first ones in FOLDER/agency-1.csv",
  },
  {
    name: "the second bet first",
    bets: "2,Luis,Mar,5,1990-01-05,5\n",
    fault: "its bets of agency 2 are not the first ones in FOLDER/agency-2.csv",
  },
  {
    name: "more bets than the file has",
    bets: "2,Rosa,Luz,4,1990-01-04,4\n2,Luis,Mar,5,1990-01-05,5\n2,Luis,Mar,5,1990-01-05,5\n",
    fault: "its bets of agency 2 are not the first ones in FOLDER/agency-2.csv",
  },
  {
    name: "an agency that does not exist",
    bets: "3,Ana,Gil,1,1990-01-01,42\n",
    fault: "it has bets of agency 3, and now there are 2 agencies",
  },
];

Deno.test({
  ...needs(
    ["write"],
    "continuationFault() requires that the stored bets are the first ones of each file",
  ),
  async fn(test) {
    await using folder = tempFolder();
    const { path } = folder;
    assertEquals(
      await continuationFault(storedRows(path), { folder: path, agencies: 2 }),
      undefined,
    );
    for (const [index, text] of AGENCIES.entries()) {
      await Deno.writeTextFile(`${path}/agency-${index + 1}.csv`, text);
    }
    for (const { name, bets, fault } of CASES) {
      await test.step(name, async () => {
        await Deno.writeTextFile(`${path}/bets.csv`, bets);
        const found = await continuationFault(storedRows(path), { folder: path, agencies: 2 });
        assertEquals(found, fault?.replace("FOLDER", path));
      });
    }
  },
});

Deno.test({
  ...needs(["write"], "tallyBets() counts whole rows and finds winners, also with quoted fields"),
  async fn() {
    await using folder = tempFolder();
    assertEquals(await tallyBets(storedRows(folder.path), 7574), new Map());
    await Deno.writeTextFile(
      `${folder.path}/bets.csv`,
      '1,Ana,Paz,11,1990-01-01,7574\n2,"Juan, hijo","O""Neil",22,1990-01-01,7574\n' +
        "1,Eva,Sol,33,1990-01-01,574\n1,Leo,Sol,44,1990-01-01,7574\n2,Torn,Row,55,1990-01-01,7574",
    );
    assertEquals(
      await tallyBets(storedRows(folder.path), 7574),
      new Map([
        [1, { stored: 3, documents: ["11", "44"] }],
        [2, { stored: 1, documents: ["22"] }],
      ]),
    );
  },
});

Deno.test({
  ...needs(["write"], "tallyBets() returns documents exactly, whatever they contain"),
  async fn() {
    await using folder = tempFolder();
    const documents = [" 1 ", "\u00a02", "3|4", '"5"', 'a"6', "\ufeff7", "8, 9", "\u2028", "#"];
    const rows = documents.map((document) =>
      `1,Ana,Paz,${/[",]/.test(document) ? `"${document.replaceAll('"', '""')}"` : document},` +
      "1990-01-01,7574\n"
    );
    await Deno.writeTextFile(`${folder.path}/bets.csv`, rows.join(""));
    const tallies = await tallyBets(storedRows(folder.path), 7574);
    assertEquals(tallies.get(1), { stored: documents.length, documents });
  },
});
