import { assert, assertEquals } from "@std/assert";
import { CLIENT_LEVELS, SERVER_LEVELS } from "../shared/logging.ts";
import { filesBelow, isProductModule, readProjectFile, tableRows } from "./testing.ts";

const rows = tableRows(readProjectFile("docs/log.md"), "log:actions");
/** The client logs the failure of a command under the name of the command. */
const CLIENT_COMMANDS = ["run", "bet", "close", "winners", "progress"];

/** Returns the actions that a program logs, by name in its source, sorted. */
function loggedActions(folder: string): string[] {
  const source = filesBelow(folder).filter(isProductModule).map(readProjectFile).join("\n");
  const calls = source.matchAll(/\blog\.(?:debug|info|warning|error|critical)\(\s*"(\w+)"/g);
  return Array.from(new Set(Array.from(calls, ([, action]) => action))).sort();
}

/** Returns the actions that the document attributes to a program, sorted. */
function documentedActions(program: string): string[] {
  return rows.filter(([, name]) => name === program || name === "both").map(([action]) => action)
    .sort();
}

Deno.test("docs/log.md names exactly the actions that a server logs", () => {
  assertEquals(documentedActions("server"), loggedActions("server/"));
});

Deno.test("docs/log.md names exactly the actions that a client logs", () => {
  const logged = new Set([...loggedActions("client/"), ...CLIENT_COMMANDS]);
  assertEquals(documentedActions("client"), [...logged].sort());
});

Deno.test("docs/log.md names the levels of servers and clients as their lines show them", () => {
  const levels = tableRows(readProjectFile("docs/log.md"), "log:levels");
  // A line cannot have NOTSET, which only a setting can have.
  const ofServers = Object.keys(SERVER_LEVELS).filter((level) => level !== "NOTSET");
  assertEquals(levels.map(([level]) => level), ofServers);
  const ofClients = Object.keys(CLIENT_LEVELS).map((level) => level.toUpperCase());
  assertEquals(levels.map(([, level]) => level), ofClients);
});

Deno.test("docs/log.md explains every action", () => {
  for (const [action, , meaning] of rows) assert(meaning.length > 10, action);
});
