import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { needs } from "../testing/needs.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { drawnVolume } from "./record/testing/drawn_volume.ts";
import { archiveDraw } from "./record/ledger_archive.ts";

const NEEDED = ["write", "run", "env"] as const;

/** Runs a task as a user does. */
async function runTask(task: "draws" | "verify", volume: string, ...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", `tools/${task}.ts`, "--volume", volume, ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: decode(stdout), err: decode(stderr) };
}

Deno.test({
  ...needs(NEEDED, "verify says VERIFIED or the first difference, and ends with its exit code"),
  async fn() {
    await using volume = await drawnVolume();
    const { path, id } = volume;
    const verified = await runTask("verify", path);
    assertEquals([verified.code, verified.err], [0, ""]);
    assertMatch(verified.out, /180 bets, 12 winners, recounted\nVERIFIED\n$/);
    assertEquals((await runTask("verify", path, id.slice(0, 4))).code, 0);
    const json = await runTask("verify", path, id, "--json");
    assertEquals(JSON.parse(json.out).state, "VERIFIED");
    const unknown = await runTask("verify", path, "nothing");
    assertEquals(unknown.code, 2);
    assertStringIncludes(unknown.err, "No draw has an id that begins with nothing");
    const bets = await Deno.readTextFile(`${path}/bets.csv`);
    await Deno.writeTextFile(`${path}/bets.csv`, bets.replace("1003,", "1004,"));
    const different = await runTask("verify", path);
    assertEquals(different.code, 3);
    assertMatch(different.out, /\nagency 1: one of its 60 rows, .*\nDIFFERENT\n$/);
  },
});

Deno.test({
  ...needs(NEEDED, "verify says why a draw cannot be verified"),
  async fn() {
    await using open = await drawnVolume({ closes: false });
    const { code, err } = await runTask("verify", open.path);
    assertEquals(code, 1);
    assertStringIncludes(err, "it is not over, because not every agency has closed");
    await using volume = await drawnVolume();
    await Deno.remove(`${volume.path}/draws`, { recursive: true });
    assertStringIncludes((await runTask("verify", volume.path)).err, "draws --write");
    await using empty = tempFolder();
    const none = await runTask("verify", empty.path);
    assertEquals(none.code, 2);
    assertStringIncludes(none.err, "There is no current draw");
  },
});

Deno.test({
  ...needs(NEEDED, "draws lists the draws of a volume, and verifies them if it is asked to"),
  async fn() {
    await using volume = await drawnVolume();
    await archiveDraw(volume.path);
    const { code, out } = await runTask("draws", volume.path);
    assertEquals(code, 0);
    const [heading, draw] = out.split("\n");
    assertMatch(heading, /^draw +drawn +bets +winners +certificate$/);
    assertMatch(draw, new RegExp(`^${volume.id}  20\\S+Z +180 +12  not checked$`));
    assertStringIncludes((await runTask("draws", volume.path, "--verify")).out, "VERIFIED");
    const json = JSON.parse((await runTask("draws", volume.path, "--json")).out);
    assertEquals([json.id, json.bets, json.state], [volume.id, 180, "not checked"]);
    await Deno.remove(`${volume.path}/draws`, { recursive: true });
    const archived = json.place;
    await Deno.remove(`${archived}/draws`, { recursive: true });
    assertStringIncludes((await runTask("draws", volume.path)).out, "no certificate");
    const written = await runTask("draws", volume.path, "--write", "--verify");
    assertEquals([written.code, written.out.includes("VERIFIED")], [0, true]);
    await Deno.writeTextFile(`${archived}/agencies_closed.txt`, "1\n2\n");
    const different = await runTask("draws", volume.path, "--verify");
    assertEquals(different.code, 3);
    assertStringIncludes(different.out, `${volume.id}: agency 3: it has not closed`);
    await using empty = tempFolder();
    assertEquals((await runTask("draws", empty.path)).out, "There is no draw yet\n");
  },
});
