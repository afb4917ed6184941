/**
 * The board that `up` starts: which port it gets, and its process on this machine.
 *
 * @module
 */

import type { StatusAddress } from "../../shared/status/lottery_watch.ts";
import { PROJECT_ROOT, SHARED_VOLUME, TaskError } from "../project.ts";
import { parseAction } from "./log_lines.ts";
import { boardPermissions } from "./permissions.ts";

/** The name under which its lines and its end are reported. */
export const BOARD = "board";

/** The folder of the records of draws, below the volume. */
export const DRAWS = "draws";

const LOOPBACK = "127.0.0.1";
/** How many ports are tried, from BOARD_PORT on. */
const PORTS_MAX = 20;

/** A board that is to be started. */
export interface BoardPlan {
  /** The port of its page on this machine. */
  port: number;
  /** Its settings that do not depend on where it runs. */
  env: Record<string, string>;
}

/**
 * Plans a board: chooses BOARD_PORT for it, or the next free port.
 *
 * @throws {TaskError} If there is none.
 */
export function planBoard(
  { port: wanted, ...settings }: { port: number; language: string; documents: string },
  betsExpected: readonly number[],
): BoardPlan {
  const ports = Array.from({ length: PORTS_MAX }, (_, index) => wanted + index);
  const port = ports.find(isFree);
  if (port === undefined) {
    throw new TaskError(
      `The ports ${wanted} to ${
        wanted + PORTS_MAX - 1
      } are all in use: give the board another one with ` +
        "BOARD_PORT in .env, or run without it: --no-board",
    );
  }
  return {
    port,
    env: {
      BOARD_LANGUAGE: settings.language,
      BOARD_DOCUMENTS: settings.documents,
      BOARD_BETS_EXPECTED: betsExpected.join(),
    },
  };
}

/** Returns how to start a board on this machine, for servers that run here. */
export function boardProcess(
  { port, env }: BoardPlan,
  servers: readonly StatusAddress[],
): { program: string[]; env: Record<string, string> } {
  const draws = `${SHARED_VOLUME}/${DRAWS}`;
  const permissions = boardPermissions({
    ip: LOOPBACK,
    port,
    servers: servers.map(({ hostname, port }) => `${hostname}:${port}`),
    read: [`${PROJECT_ROOT}/board/page`, draws],
  });
  return {
    program: [...permissions, "board/main.ts"],
    env: {
      ...env,
      BOARD_SERVERS: servers.map(({ name, hostname, port }) => `${name}=${hostname}:${port}`)
        .join(),
      BOARD_IP: LOOPBACK,
      BOARD_PORT: String(port),
      BOARD_DRAWS: draws,
    },
  };
}

/** Follows the board of a run, and tells the operator where it is. */
export class BoardWatch {
  readonly #plan: BoardPlan | undefined;
  readonly #say: (line: string) => void;
  readonly #ended = Promise.withResolvers<void>();
  #isOpen = false;

  /** @param say Prints a line for the operator. */
  constructor(plan: BoardPlan | undefined, say: (line: string) => void) {
    this.#plan = plan;
    this.#say = say;
  }

  /** Takes a line of the board. */
  line(line: string): void {
    const logged = parseAction(line);
    if (logged?.action !== "listen" || logged.result !== "success" || this.#isOpen) return;
    this.#isOpen = true;
    this.#say(`The board shows the lottery at ${this.#url}`);
  }

  /** Takes the end of the board, which must not end the run. */
  end(exitCode: number): void {
    this.#isOpen = false;
    this.#ended.resolve();
    if (exitCode !== 0) this.#say(`The board has ended with exit code ${exitCode}`);
  }

  /** Keeps the board open after the run, if somebody sits at the terminal, until the operator stops it. */
  async stay(stopped: Promise<void>): Promise<void> {
    const isWatched = Deno.stdin.isTerminal() && Deno.stdout.isTerminal() && !Deno.env.get("CI");
    if (!this.#isOpen || !isWatched) return;
    this.#say(`The board stays open at ${this.#url}; Ctrl-C closes it`);
    await Promise.race([stopped, this.#ended.promise]);
  }

  get #url(): string {
    return `http://localhost:${this.#plan?.port}`;
  }
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: LOOPBACK, port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse || error instanceof RangeError) return false;
    // A port that this user may not have.
    if (error instanceof Deno.errors.PermissionDenied) return false;
    throw error;
  }
}
