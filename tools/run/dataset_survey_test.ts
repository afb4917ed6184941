import { assertEquals } from "@std/assert";
import { needs } from "../../testing/needs.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import { zipOf } from "./testing/zip.ts";

import { findBetsElsewhere, surveyNames, unsentReason } from "./dataset_survey.ts";

Deno.test("surveyNames() finds what is missing, and every name that no client would send", () => {
  const unsent = [
    ...["agency-0.csv", "agency-01.csv", "agency-3.csv", "AGENCY-1.CSV", "Agency-2.csv"],
    ...["agency-1.csv.txt", "agency-1.csv.gz", "agency_1.csv", "agency-1 (1).csv", "agency-2"],
    ...[" agency-2.csv", "agencia-2.csv", "2.csv", "agency-2.xlsx", "AGENCY-2"],
  ];
  const others = ["README.md", "old/", "dataset.zip", "agency-2.csv/"];
  const ignored = [
    ...["._agency-1.csv", ".DS_Store", "sample-bets.json", ".unfinished-sample-bets/"],
    ...["lost+found/", "Thumbs.db"],
  ];
  const found = surveyNames(["agency-1.csv", ...unsent, ...others, ...ignored], 2);
  assertEquals(found.present, ["agency-1.csv"]);
  assertEquals(found.missing, ["agency-2.csv"]);
  assertEquals(found.unsent.sort(), unsent.sort());
  assertEquals(found.others.sort(), ["._agency-1.csv", ...others].sort());
});

Deno.test("unsentReason() says what to do about a file that no client would send", () => {
  const remedies = {
    "agency-7.csv":
      "set CLIENTS in .env and AGENCIES_AMOUNT in server/config.ini to 7, or move it away",
    "agency-0.csv": "move it away",
    "AGENCY-2.CSV": "rename it to agency-2.csv",
    "agency-02.csv": "rename it to agency-2.csv",
    "agency-1.csv.txt": "move it away",
    "agency-2.xlsx": "save it as agency-2.csv",
    "agency-2.csv.gz": "unpack it, or move it away",
  };
  for (const [name, remedy] of Object.entries(remedies)) {
    const reason = unsentReason(name, { agencies: 5, missing: ["agency-2.csv"] });
    const why = `no client sends ${name}, because clients read agency-1.csv to agency-5.csv`;
    assertEquals(reason, `${why}: ${remedy}`);
  }
});

Deno.test(
  needs(
    ["write"],
    "findBetsElsewhere() finds bets in archives and in folders below, at any such place",
  ),
  async () => {
    await using folder = tempFolder();
    const { path } = folder;
    await Deno.mkdir(`${path}/2026/it's`, { recursive: true });
    await Deno.mkdir(`${path}/.trash`);
    for (const name of ["2026/agency-1.csv", "2026/agency-2.csv", ".trash/agency-1.csv"]) {
      await Deno.writeTextFile(`${path}/${name}`, "");
    }
    await Deno.writeFile(`${path}/flat.zip`, zipOf(["agency-1.csv", "agency-2.csv", "README.md"]));
    const nested = ["a[1]/", "__MACOSX/a[1]/._agency-1.csv", "a[1]/agency-1.csv"];
    await Deno.writeFile(`${path}/2026/it's/nested.ZIP`, zipOf(nested));
    await Deno.writeFile(`${path}/other.zip`, zipOf(["agency-0.csv", "AGENCY-1.CSV"]));
    await Deno.writeTextFile(`${path}/empty.zip`, "");
    assertEquals(await findBetsElsewhere(path, "bets/"), [
      `flat.zip holds 2 files agency-N.csv: unpack it with ` +
      `unzip -j '${path}/flat.zip' 'agency-*.csv' -d '${path}'`,
      "2026/ holds 2 files agency-N.csv: write DATASET=bets/2026",
      `2026/it's/nested.ZIP holds one file agency-N.csv: unpack it with ` +
      `unzip -j '${path}/2026/it'\\''s/nested.ZIP' 'a\\[1\\]/agency-*.csv' -d '${path}'`,
    ]);
  },
);
