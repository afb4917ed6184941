/**
 * The board as a process.
 *
 * @module
 */

import { PROJECT_ROOT } from "../tools/project.ts";
import { LOOPBACK } from "../tools/run/loopback.ts";
import { boardPermissions } from "../tools/run/permissions.ts";
import { Program } from "./program.ts";

/** Options of {@linkcode startBoard}. */
export interface BoardOptions {
  /** BOARD_SERVERS, each with a name: `server1=127.0.0.1:20001`. */
  servers: string;
  /** The folder of the records of draws. @default {one that does not exist} */
  draws?: string;
  /** The folder of the certificates that its settings name. @default {none} */
  secrets?: string;
  /** The port of its page. @default {any free one} */
  port?: number;
  /** More settings. */
  env?: Record<string, string>;
}

/** A board that runs. */
export interface StartedBoard extends AsyncDisposable {
  program: Program;
  /** The address of its page. */
  url: string;
  port: number;
}

/** Starts a board and waits until it serves its page. */
export async function startBoard(
  { servers, draws = `${PROJECT_ROOT}/no draws`, secrets, port = 0, env }: BoardOptions,
): Promise<StartedBoard> {
  const permissions = boardPermissions({
    ip: LOOPBACK,
    port,
    servers: servers.split(",").map((entry) => entry.replace(/^.*=/, "")),
    read: [`${PROJECT_ROOT}/board/page`, draws, ...secrets === undefined ? [] : [secrets]],
  });
  const program = new Program({
    name: "board",
    args: ["run", "--quiet", ...permissions, "board/main.ts"],
    env: { BOARD_SERVERS: servers, BOARD_PORT: String(port), BOARD_DRAWS: draws, ...env },
  });
  const [, chosen] = await program.line(/action: listen \| result: success .*port: (\d+)/);
  return {
    program,
    url: `http://localhost:${chosen}`,
    port: Number(chosen),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}
