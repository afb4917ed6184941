/**
 * What this host gives to its processes.
 *
 * @module
 */

import type { ServerSettings } from "../../server/settings.ts";
import type { Finding } from "./finding.ts";

/** Files that a server holds beside its connections: the ledger's, its sockets, Deno's own. */
const OTHER_FILES = 32;
/** The oldest Deno that the project runs on. */
const DENO_VERSION_MIN = [2, 7];

/** The settings that the limit of open files is compared with. */
export type ConnectionSettings = Pick<ServerSettings, "connectionsMax" | "waitingMax">;

/** Compares the limit of open files with the connections that a server may have. */
export async function checkOpenFiles(settings: ConnectionSettings): Promise<Finding> {
  if (Deno.build.os === "windows") return { level: "ok", text: "Windows sets no limit" };
  // Deno has raised its own limit as far as it may, and a server's Deno does the same.
  const { stdout } = await new Deno.Command("sh", { args: ["-c", "ulimit -n"] }).output();
  return judgeOpenFiles(new TextDecoder().decode(stdout).trim(), settings);
}

/** Judges what `ulimit -n` says. */
export function judgeOpenFiles(limitText: string, settings: ConnectionSettings): Finding {
  const { connectionsMax, waitingMax } = settings;
  const limit = limitText === "unlimited" ? Infinity : parseInt(limitText);
  const needed = connectionsMax + waitingMax + OTHER_FILES;
  const sum = `SERVER_MAX_CONNECTIONS ${connectionsMax} + SERVER_MAX_WAITING ${waitingMax} + ` +
    `${OTHER_FILES}`;
  if (limit >= needed) {
    return { level: "ok", text: `${limitText} a process, where a server needs ${needed} (${sum})` };
  }
  const advice = `raise it with "ulimit -n ${needed}", or set them lower`;
  if (Number.isNaN(limit)) {
    return { level: "warning", text: `their limit is unknown; a server needs ${needed} (${sum})` };
  }
  return {
    level: limit < connectionsMax + OTHER_FILES ? "fault" : "warning",
    text: `${limitText} a process, where a server needs ${needed} (${sum}): ${advice}`,
  };
}

/** Judges the version of Deno. */
export function judgeDeno(version: string): Finding {
  const [major, minor] = version.split(".").map(Number);
  const [majorMin, minorMin] = DENO_VERSION_MIN;
  if (major > majorMin || (major === majorMin && minor >= minorMin)) {
    return { level: "ok", text: version };
  }
  const needed = DENO_VERSION_MIN.join(".");
  return {
    level: "fault",
    text: `${version} is too old: use ./denow, or install Deno ${needed} or later`,
  };
}
