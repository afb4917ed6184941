import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { readClientSettings } from "../client/settings.ts";
import { parseYaml } from "../client/yaml.ts";
import { readServerSettings } from "../server/settings.ts";
import { SettingsError } from "../shared/config.ts";
import { readLotterySettings } from "../tools/run/lottery_settings.ts";
import { CLIENT_PASSED_ON, SERVER_PASSED_ON } from "../tools/run/permissions.ts";
import { readProjectFile, tableRows } from "./testing.ts";

const ROOT = new URL("../", import.meta.url);
const document = readProjectFile("docs/settings.md");
const serverRows = tableRows(document, "settings:server");
const clientRows = tableRows(document, "settings:client");
const environmentRows = tableRows(document, "settings:env");

function serverSettings(environment: (name: string) => string | undefined) {
  return readServerSettings({ environment, readFile: () => readProjectFile("server/config.ini") });
}

function clientSettings(environment: (name: string) => string | undefined) {
  return readClientSettings({
    parseYaml,
    environment: (name) => environment(name) ?? (name === "CLI_ID" ? "1" : undefined),
    readFile: () => readProjectFile("client/config.yaml"),
  });
}

/** Returns the names of the environment variables that `read` asks for, sorted. */
function namesAsked(read: (environment: (name: string) => undefined) => unknown): string[] {
  const names = new Set<string>();
  read((name) => void names.add(name));
  return [...names].sort();
}

Deno.test("docs/settings.md names exactly the settings that a server reads", () => {
  assertEquals(serverRows.map(([name]) => name).sort(), namesAsked(serverSettings));
});

Deno.test("docs/settings.md states the defaults of a server", () => {
  const rows = serverRows.filter(([, defaultText]) => defaultText !== "in the file");
  const defaults = new Map(rows.map(([name, defaultText]) => [name, defaultText]));
  // The document states paths relative to the project's root.
  for (const name of ["SHARED_VOLUME", "SERVER_CONFIG"]) {
    const path = new URL(defaults.get(name) ?? "", ROOT).pathname;
    defaults.set(name, decodeURIComponent(path));
  }
  // What is a part of another setting, or none, is not stated as a value.
  for (const [name, text] of defaults) if (/^none$| of [A-Z_]+$/.test(text)) defaults.delete(name);
  assertEquals(serverSettings((name) => defaults.get(name)), serverSettings(() => undefined));
  for (const name of ["LOTTERY_WINNER_NUMBER", "SERVER_MAX_WAITING"]) {
    const other = serverSettings((asked) => asked === name ? "77" : undefined);
    assertNotEquals(other, serverSettings(() => undefined), `${name} changes nothing`);
  }
});

Deno.test("docs/settings.md names exactly the settings that a client reads, with their defaults", () => {
  assertEquals(clientRows.map(([, variable]) => variable).sort(), namesAsked(clientSettings));
  const rows = clientRows.filter(([name, , text]) =>
    name !== "" && name !== "id" && text !== "in the file" && text !== "none"
  );
  const stated = new Map(rows.map(([, variable, defaultText]) => [variable, defaultText]));
  const defaults = clientSettings(() => undefined);
  assertEquals(clientSettings((name) => stated.get(name)), defaults);
  assertNotEquals(clientSettings((name) => name === "CLI_BATCH_SIZE" ? "7" : undefined), defaults);
});

Deno.test("docs/settings.md names the settings of .env as .env.example has them", () => {
  const lines = readProjectFile(".env.example").split("\n").filter((line) =>
    /^[A-Z_]+=/.test(line)
  );
  const rows = environmentRows.map(([name, defaultText]) => `${name}=${defaultText}`);
  assertEquals(rows.sort(), lines.sort());
});

/** Returns the names in the only sentence that matches, sorted. */
function namesIn(sentence: RegExp): string[] {
  const [, names] = sentence.exec(document.replaceAll("\n", " "))!;
  return Array.from(names.matchAll(/`(\w+)`/g), ([, name]) => name).sort();
}

Deno.test("docs/settings.md names the settings without which .env is refused", () => {
  const lines = readProjectFile(".env.example").split("\n");
  const isNeeded = (name: string) => {
    const text = lines.filter((line) => !line.startsWith(`${name}=`)).join("\n");
    try {
      readLotterySettings({ environment: () => undefined, readFile: () => text });
      return false;
    } catch (error) {
      return error instanceof SettingsError;
    }
  };
  const needed = environmentRows.map(([name]) => name).filter(isNeeded);
  assertEquals(namesIn(/([^.]*) must be set\./), needed.sort());
});

Deno.test("docs/settings.md names the settings that `up` passes on", () => {
  const sentence = (program: string) =>
    new RegExp(`only these reach the ${program} from the environment: ([^.]*)\\.`);
  assertEquals(namesIn(sentence("servers")), SERVER_PASSED_ON.toSorted());
  assertEquals(namesIn(sentence("clients")), CLIENT_PASSED_ON.toSorted());
});

Deno.test("docs/settings.md explains every setting", () => {
  for (const row of [...serverRows, ...clientRows, ...environmentRows]) {
    assert(row.at(-1)!.length > 5, `${row[0]} is not explained`);
  }
});
