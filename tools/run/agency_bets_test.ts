import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { TaskError } from "../project.ts";
import { needs } from "../../testing/needs.ts";
import { type TempFolder, tempFolder } from "../../testing/temp_folder.ts";
import { zipOf } from "./testing/zip.ts";
import { provideBets } from "./agency_bets.ts";
import { betsFiles, writeSample } from "./bets_folder.ts";

const ROW = "Ana,Gil,1,1990-02-28,7574\r\n";

/** Makes a folder `name` with agency-1.csv to agency-N.csv. */
async function makeBets({ path }: TempFolder, name: string, agencies: number): Promise<string> {
  const folder = `${path}/${name}`;
  await Deno.mkdir(folder, { recursive: true });
  for (const file of betsFiles(folder, agencies)) await Deno.writeTextFile(file, ROW);
  return folder;
}

/** Returns why provideBets() refuses, and asserts that it has not written anything. */
async function refusal({ path }: TempFolder, dataset: string, clients = 2): Promise<string> {
  const before = await namesBelow(path);
  const { message } = await assertRejects(() => provideBets({ clients, dataset }, path), TaskError);
  assertEquals(await namesBelow(path), before);
  return message;
}

async function namesBelow(path: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    names.push(name);
    if (isDirectory) names.push(...await namesBelow(`${path}/${name}`));
  }
  return names.sort();
}

Deno.test(
  needs(["write"], "provideBets() makes sample bets if the default folder is missing or empty"),
  async () => {
    for (const kept of [undefined, ".gitkeep", ".DS_Store"]) {
      await using root = tempFolder();
      const folder = `${root.path}/.data`;
      if (kept !== undefined) {
        await Deno.mkdir(folder);
        await Deno.writeTextFile(`${folder}/${kept}`, "");
      }
      const lottery = { clients: 2, dataset: ".data" };
      assertEquals(await provideBets(lottery, root.path), [1, 2]);
      // They are samples at the next start, too; a file that was replaced is not.
      await Deno.writeTextFile(`${folder}/agency-1.csv`, ROW);
      assertEquals(await provideBets(lottery, root.path), [2]);
    }
  },
);

Deno.test(
  needs(["write"], "provideBets() makes sample bets nowhere else, and says what it found"),
  async () => {
    await using root = tempFolder();
    const { path } = root;
    await makeBets(root, "bets", 2);
    await makeBets(root, "lower/2026", 2);
    await Deno.mkdir(`${path}/zipped`);
    await Deno.writeFile(`${path}/zipped/dataset.zip`, zipOf(["agency-1.csv"]));
    await Deno.mkdir(`${path}/empty`);
    await Deno.symlink(`${path}/unplugged`, `${path}/link`);
    const found = {
      "bet": `there is no folder ${path}/bet (did you mean ${path}/bets?)`,
      "x/y/z": `there is no folder ${path}/x/y/z (${path} has no folder x)`,
      "/nowhere/at/all": "there is no folder /nowhere/at/all (/ has no folder nowhere)",
      "bets/agency-1.csv": `${path}/bets/agency-1.csv is a file: name the folder of agency-N.csv`,
      "bets/agency-1.csv/x": `there is no folder ${path}/bets/agency-1.csv/x`,
      "zipped/dataset.zip": "is an archive. It holds one file agency-N.csv: unpack it with unzip",
      "zipped": "dataset.zip holds one file agency-N.csv: unpack it with unzip",
      "lower": "2026/ holds 2 files agency-N.csv: write DATASET=lower/2026",
      "empty": "the folder is empty",
      "./.data": "there is no folder",
      "link": `${path}/link is a link to ${path}/unplugged, which does not exist`,
    };
    for (const [dataset, text] of Object.entries(found)) {
      assertStringIncludes(await refusal(root, dataset), text);
    }
  },
);

Deno.test(
  needs(["write"], "provideBets() makes no sample bets in a default folder that holds anything"),
  async () => {
    for (const name of ["dataset.zip", "notes.txt", "AGENCY-1.CSV", "agency-9.csv", "2026/"]) {
      await using root = tempFolder();
      await Deno.mkdir(`${root.path}/.data${name.endsWith("/") ? `/${name}` : ""}`, {
        recursive: true,
      });
      if (!name.endsWith("/")) await Deno.writeTextFile(`${root.path}/.data/${name}`, ROW);
      assertStringIncludes(await refusal(root, ".data"), name);
    }
    await using root = tempFolder();
    await Deno.symlink(`${root.path}/unplugged`, `${root.path}/.data`);
    assertStringIncludes(await refusal(root, ".data"), "which does not exist");
  },
);

Deno.test(
  needs(
    ["write"],
    "provideBets() names every file that no client would send, even if the set is complete",
  ),
  async () => {
    await using root = tempFolder();
    const folder = await makeBets(root, "bets", 2);
    assertEquals(await provideBets({ clients: 2, dataset: "bets" }, root.path), []);
    const names = [
      "agency-0.csv",
      "agency-7.csv",
      "agency-01.csv",
      "AGENCY-1.CSV",
      "agency-1.csv.txt",
    ];
    for (const name of names) {
      await Deno.writeTextFile(`${folder}/${name}`, ROW);
      assertStringIncludes(await refusal(root, "bets"), `no client sends ${name}, because`);
      await Deno.remove(`${folder}/${name}`);
    }
    for (const name of names) await Deno.writeTextFile(`${folder}/${name}`, ROW);
    const message = await refusal(root, "bets");
    for (const name of names) assertStringIncludes(message, `no client sends ${name}, because`);
    assertStringIncludes(await refusal(root, "bets", 1), "no client sends agency-2.csv, because");
  },
);

Deno.test(
  needs(
    ["write"],
    "provideBets() lists the first twenty faults of all files, and counts the others",
  ),
  async () => {
    await using root = tempFolder();
    const folder = await makeBets(root, "bets", 3);
    await Deno.writeTextFile(
      `${folder}/agency-1.csv`,
      `${ROW}Ana,Gil,1,1990-02-30,1\r\n${ROW},,\r\n`,
    );
    await Deno.writeTextFile(
      `${folder}/agency-3.csv`,
      ROW + "x\r\n".repeat(19) + ROW + "\r\n" + ROW,
    );
    const message = await refusal(root, "bets", 3);
    const lines = message.split("\n");
    assertStringIncludes(lines[0], "correct these 22 faults in the agencies' files");
    const places = lines.slice(1, -1).map((line) => /agency-\d+\.csv:\d+: /.exec(line)?.[0]);
    const expected = Array.from({ length: 18 }, (_, index) => `agency-3.csv:${index + 2}: `);
    assertEquals(places, ["agency-1.csv:2: ", "agency-1.csv:4: ", ...expected]);
    assertEquals(
      lines.at(-1),
      `  - and 2 more; all of them: 2 in ${folder}/agency-1.csv, 20 in ${folder}/agency-3.csv`,
    );
  },
);

Deno.test(
  needs(["write"], "provideBets() reports files that cannot be read among the faults"),
  async () => {
    await using root = tempFolder();
    const folder = await makeBets(root, "bets", 2);
    await Deno.remove(`${folder}/agency-1.csv`);
    await Deno.symlink(`${folder}/nowhere`, `${folder}/agency-1.csv`);
    await Deno.writeTextFile(`${folder}/agency-2.csv`, "bad\n");
    const message = await refusal(root, "bets");
    assertStringIncludes(message, `there is no file ${folder}/agency-1.csv`);
    assertStringIncludes(message, `${folder}/agency-2.csv:1: `);
  },
);

Deno.test(
  needs(["write"], "writeSample() replaces sample bets of more agencies, but no other file"),
  async () => {
    await using root = tempFolder();
    const folder = `${root.path}/bets`;
    await writeSample(folder, { agencies: 5, bets: 50 });
    await Deno.writeTextFile(`${folder}/agency-4.csv`, ROW);
    await writeSample(folder, { agencies: 2, bets: 50 });
    assertEquals(await namesBelow(folder), [
      ...["agency-1.csv", "agency-2.csv", "agency-4.csv", "sample-bets.json"],
    ]);
  },
);
