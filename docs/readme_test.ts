import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { readClientSettings } from "../client/settings.ts";
import { readServerSettings } from "../server/settings.ts";

const ROOT = new URL("../", import.meta.url);
const readme = await Deno.readTextFile(new URL("README.md", ROOT));
const configYaml = await Deno.readTextFile(new URL("client/config.yaml", ROOT));
const configIni = await Deno.readTextFile(new URL("server/config.ini", ROOT));

/** A row of a settings table: name, default, meaning. */
interface SettingRow {
  name: string;
  defaultText: string;
  meaning: string;
}

/** The rows of the README's table behind the mark `settings:NAME`. */
function settingRows(mark: string): SettingRow[] {
  const [, behind] = readme.split(`<!-- settings:${mark} -->`);
  const [table] = behind.trimStart().split("\n\n");
  return table.split("\n").slice(2).map((line) => {
    const [, name, defaultText, meaning] = line.split("|").map((cell) => cell.trim());
    return {
      name: name.replaceAll("`", ""),
      defaultText: defaultText.replaceAll("`", ""),
      meaning,
    };
  });
}

function serverSettings(environment: (name: string) => string | undefined) {
  return readServerSettings({ environment, readFile: () => configIni });
}

Deno.test("README names exactly the settings that a server reads", () => {
  const asked = new Set<string>();
  serverSettings((name) => {
    asked.add(name);
    return undefined;
  });
  assertEquals(settingRows("server").map(({ name }) => name).sort(), [...asked].sort());
});

Deno.test("README names each setting's default as the server has it", () => {
  const rows = settingRows("server").filter((row) => row.defaultText !== "in the file");
  const defaults = new Map(rows.map(({ name, defaultText }) => [name, defaultText]));
  // Folders are told from the root of the project.
  for (const name of ["SHARED_VOLUME", "SERVER_CONFIG"]) {
    const path = new URL(defaults.get(name) ?? "", ROOT).pathname;
    defaults.set(name, decodeURIComponent(path));
  }
  assertEquals(serverSettings((name) => defaults.get(name)), serverSettings(() => undefined));
  for (const name of ["LOTTERY_WINNER_NUMBER", "SERVER_MAX_WAITING"]) {
    const other = serverSettings((asked) => asked === name ? "77" : undefined);
    assertNotEquals(other, serverSettings(() => undefined), `${name} changes nothing`);
  }
});

Deno.test("README names exactly the settings that a client reads, with their defaults", () => {
  const asked = new Set<string>();
  const read = (environment: Record<string, string>) =>
    readClientSettings({
      environment: (name) => {
        asked.add(name);
        return name === "CLI_ID" ? "1" : environment[name];
      },
      readFile: () => configYaml,
    });
  const defaults = read({});
  const [, behind] = readme.split("<!-- settings:client -->");
  const rows = behind.trimStart().split("\n\n")[0].split("\n").slice(2).map((line) =>
    line.split("|").map((cell) => cell.trim().replaceAll("`", ""))
  );
  assertEquals(rows.map(([, , variable]) => variable).sort(), [...asked].sort());
  const told = rows.filter(([, name, , text]) => name !== "id" && text !== "in the file" && name);
  assertEquals(read(Object.fromEntries(told.map(([, , name, text]) => [name, text]))), defaults);
  assertNotEquals(read({ CLI_BATCH_SIZE: "7" }), defaults);
});

Deno.test("README names the settings of .env as .env.example has them", async () => {
  const example = await Deno.readTextFile(new URL(".env.example", ROOT));
  const lines = example.split("\n").filter((line) => /^[A-Z_]+=/.test(line));
  const rows = settingRows("env").map(({ name, defaultText }) => `${name}=${defaultText}`);
  assertEquals(rows.sort(), lines.sort());
});

/** The source of the programs that log: modules below a folder, without their tests. */
async function sourcesBelow(folder: URL): Promise<string[]> {
  const sources: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory && name !== "testing" && name !== "shared-volume") {
      sources.push(...await sourcesBelow(new URL(`${name}/`, folder)));
    } else if (/(?<!_test)\.ts$/.test(name)) {
      sources.push(await Deno.readTextFile(new URL(name, folder)));
    }
  }
  return sources;
}

Deno.test("README names every action that is logged", async () => {
  const [, behind] = readme.split("## Log actions");
  const told = new Set(
    Array.from(behind.split("## Folders")[0].matchAll(/`(\w+)`/g), ([, a]) => a),
  );
  for (const folder of ["server/", "client/"]) {
    const sources = (await sourcesBelow(new URL(folder, ROOT))).join("\n");
    const calls = sources.matchAll(/\blog\.(?:debug|info|warning|error|critical)\(\s*"(\w+)"/g);
    const actions = new Set(Array.from(calls, ([, action]) => action));
    assert(actions.size > 8, `${folder} logs ${actions.size} actions`);
    for (const action of actions) {
      assert(told.has(action) || action.startsWith("close_"), `${action} is not in the table`);
    }
  }
});

Deno.test("README has every setting explained", () => {
  for (const { name, meaning } of [...settingRows("server"), ...settingRows("env")]) {
    assert(meaning.length > 5, `${name} is not explained`);
  }
});
