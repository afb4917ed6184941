import { assert, assertEquals, assertMatch } from "@std/assert";
import { readBoardSettings } from "../board/settings.ts";
import { filesBelow, readProjectFile, tableRows } from "./testing.ts";

const ROOT = decodeURIComponent(new URL("../", import.meta.url).pathname);
const rows = tableRows(readProjectFile("docs/board.md"), "settings:board");

Deno.test("docs/board.md names exactly the settings that the board reads, with their defaults", () => {
  const asked = new Set<string>();
  const read = (values: Record<string, string>) =>
    readBoardSettings((name) => {
      asked.add(name);
      return name === "BOARD_SERVERS" ? "server:1" : values[name];
    });
  const stated = Object.fromEntries(rows.filter(([, text]) => text !== "none"));
  const BOARD_DRAWS = ROOT + stated.BOARD_DRAWS;
  assertEquals(read({ ...stated, BOARD_DRAWS }), read({}));
  assertEquals(rows.map(([name]) => name).sort(), [...asked].sort());
  for (const [name, , meaning] of rows) assert(meaning.length > 10, name);
});

Deno.test("docs/board.md names every action that the board logs", () => {
  const source = filesBelow("board/").filter((path) => /(?<!_test)\.ts$/.test(path))
    .map(readProjectFile).join("\n");
  const actions = Array.from(
    source.matchAll(/\blog\.(?:debug|info|warning|error|critical)\(\s*"(\w+)"/g),
    ([, action]) => action,
  );
  assert(actions.length >= 4);
  const [, section] = readProjectFile("docs/board.md").split("## Its log");
  for (const action of actions) assertMatch(section, new RegExp(`\`${action}\``));
});

Deno.test("docs/images/ has the pictures that documents show, of a size that a page may have", () => {
  const documents = [readProjectFile("README.md"), readProjectFile("docs/board.md")].join("\n");
  const shown = Array.from(
    documents.matchAll(/\]\((?:docs\/)?(images\/[^)]+)\)/g),
    ([, path]) => path,
  );
  const pictures = filesBelow("docs/images/");
  assertEquals(pictures, [...new Set(shown)].map((path) => `docs/${path}`).sort());
  for (const path of pictures) {
    const { size } = Deno.statSync(`${ROOT}${path}`);
    assert(
      size < 150_000,
      `${path} has ${size} bytes: take it again with ./denow task screenshots`,
    );
  }
});
