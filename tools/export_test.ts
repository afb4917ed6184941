import { assertEquals, assertStringIncludes } from "@std/assert";
import { needs } from "../testing/needs.ts";
import { Program } from "../testing/program.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { drawnVolume } from "./record/testing/drawn_volume.ts";

const NEEDED = ["write", "run", "env"] as const;

/** Runs export as a user does. Returns its output. */
async function runExport(args: string[], expected = 0): Promise<string> {
  await using program = new Program({
    name: "export",
    args: ["run", "-A", "tools/export.ts", ...args],
  });
  assertEquals(await program.ended(), expected, program.output());
  return program.output();
}

Deno.test({
  ...needs(NEEDED, "export writes the bets of a volume as rows or as JSON, and overwrites neither"),
  async fn() {
    await using volume = await drawnVolume({ bets: 10 });
    await using folder = tempFolder();
    const csv = ["--volume", volume.path, "--to", `${folder.path}/csv`];
    assertStringIncludes(await runExport(csv), "bets.csv: 30 bets");
    const rows = await Deno.readTextFile(`${volume.path}/bets.csv`);
    assertEquals(await Deno.readTextFile(`${folder.path}/csv/bets.csv`), rows);
    const jsonl = ["--volume", volume.path, "--to", `${folder.path}/json`, "--format", "jsonl"];
    assertStringIncludes(await runExport(jsonl), "bets.jsonl: 30 bets");
    const lines = (await Deno.readTextFile(`${folder.path}/json/bets.jsonl`)).trimEnd().split("\n");
    assertEquals(lines.length, 30);
    assertEquals(JSON.parse(lines[4]), {
      agency: 1,
      firstName: 'Ana, the "5"',
      lastName: "Paz",
      document: "1005",
      birthdate: "1980-01-01",
      number: 5,
    });
    assertStringIncludes(await runExport([...csv.slice(0, -1), `${folder.path}/json`], 1), "jsonl");
    assertStringIncludes(await runExport([...csv, "--format", "xml"], 2), "csv or jsonl");
  },
});
