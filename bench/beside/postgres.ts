/**
 * PostgreSQL as it is installed, with a table of typed columns. Each batch is a COPY and a transaction, which is
 * durable when it is answered.
 *
 * @module
 */

import { freePort } from "../../testing/ports.ts";
import { Program } from "../../testing/program.ts";
import { LOOPBACK } from "../../tools/run/loopback.ts";
import { PostgresThread } from "../load_thread.ts";
import type { Contestant } from "../turns.ts";
import { USER } from "./postgres_load.ts";
import { findProgram, outputOf } from "./programs.ts";

/** PostgreSQL refuses to run as root. Debian's package makes this user. */
const SYSTEM_USER = "postgres";
const TABLE =
  "CREATE TABLE IF NOT EXISTS bets (agency smallint NOT NULL, first_name text NOT NULL, " +
  "last_name text NOT NULL, document text NOT NULL, birthdate date NOT NULL, number smallint NOT NULL)";

/** Returns what is missing to run PostgreSQL; undefined if nothing is. */
export function missingPostgres(): string | undefined {
  const isHere = ["initdb", "postgres", ...isRoot() ? ["setpriv"] : []].every(findProgram);
  return isHere ? undefined : "PostgreSQL (Debian: apt-get install postgresql)";
}

/** Starts PostgreSQL with its files in `folder`. */
export async function startPostgres(
  folder: string,
  { connections, bets }: { connections: number; bets: number },
  stack: AsyncDisposableStack,
): Promise<Contestant> {
  const data = `${folder}/postgres`;
  await Deno.mkdir(data, { mode: 0o700 });
  if (isRoot()) await giveTo(SYSTEM_USER, data);
  const initialize = asUser(["initdb", "-D", data, "-U", USER, "--auth=trust", "--no-sync"]);
  await outputOf(initialize[0], initialize.slice(1));
  const port = freePort("tcp");
  const settings = [`listen_addresses=${LOOPBACK}`, "unix_socket_directories="];
  const [command, ...args] = asUser([
    ...["postgres", "-D", data, "-p", String(port)],
    ...settings.flatMap((setting) => ["-c", setting]),
  ]);
  // Started where its user may be.
  const program = stack.use(new Program({ name: "postgres", command, args, cwd: "/" }));
  await program.line(/ready to accept connections/);
  const thread = stack.use(new PostgresThread());
  return {
    run: (seconds) => thread.run({ port, prepare: TABLE, connections, bets, seconds }),
  };
}

function isRoot(): boolean {
  return Deno.uid() === 0;
}

/** Returns the command that runs a program as a user who may run PostgreSQL. */
function asUser([name, ...args]: string[]): string[] {
  const command = [findProgram(name)!, ...args];
  if (!isRoot()) return command;
  // Unlike su and runuser it becomes the program, so that signals reach it.
  const user = [`--reuid=${SYSTEM_USER}`, `--regid=${SYSTEM_USER}`, "--clear-groups"];
  return [findProgram("setpriv")!, ...user, "--", ...command];
}

/** Gives a folder to a user, who must be able to reach it. */
async function giveTo(user: string, folder: string): Promise<void> {
  await outputOf("chown", [user, folder]);
  for (
    let path = folder.replace(/\/[^/]+$/, "");
    path !== "";
    path = path.replace(/\/[^/]+$/, "")
  ) {
    const { mode } = await Deno.stat(path);
    if (mode !== null && (mode & 0o001) === 0) await Deno.chmod(path, mode | 0o001);
  }
}
