import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { readClientSettings } from "../client/settings.ts";
import { readServerSettings } from "../server/settings.ts";
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
  assertEquals(serverSettings((name) => defaults.get(name)), serverSettings(() => undefined));
  for (const name of ["LOTTERY_WINNER_NUMBER", "SERVER_MAX_WAITING"]) {
    const other = serverSettings((asked) => asked === name ? "77" : undefined);
    assertNotEquals(other, serverSettings(() => undefined), `${name} changes nothing`);
  }
});

Deno.test("docs/settings.md names exactly the settings that a client reads, with their defaults", () => {
  assertEquals(clientRows.map(([, variable]) => variable).sort(), namesAsked(clientSettings));
  const rows = clientRows.filter(([name, , text]) =>
    name !== "" && name !== "id" && text !== "in the file"
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

Deno.test("docs/settings.md explains every setting", () => {
  for (const row of [...serverRows, ...clientRows, ...environmentRows]) {
    assert(row.at(-1)!.length > 5, `${row[0]} is not explained`);
  }
});
