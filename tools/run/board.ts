/**
 * The board that `up` starts: which port it gets, and its process on this machine.
 *
 * @module
 */

import { DRAWS_FOLDER } from "../../server/certificate/certificate_folder.ts";
import type { StatusAddress } from "../../shared/status/lottery_watch.ts";
import { PROJECT_ROOT, SHARED_VOLUME, TaskError } from "../project.ts";
import { type Cluster, type RunningBoard, type ServiceOptions, settledWithin } from "./cluster.ts";
import { parseAction } from "./log_lines.ts";
import { isFree, LOOPBACK } from "./loopback.ts";
import { boardPermissions } from "./permissions.ts";

/** The name under which its lines and its end are reported. */
export const BOARD = "board";

/** How many ports are tried, from BOARD_PORT on. */
const PORTS_MAX = 20;

/** If the page takes longer, the run goes on without it. */
const OPEN_TIMEOUT_MS = 10_000;

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
  const draws = `${SHARED_VOLUME}/${DRAWS_FOLDER}`;
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

/** Options of {@linkcode RunBoard}. */
export interface RunBoardOptions {
  plan: BoardPlan;
  cluster: Pick<Cluster, "startBoard">;
  /** Prints a line for the operator. */
  say: (line: string) => void;
}

/** The board of a run. It is stopped at the end of the block, after everything else of the run. */
export class RunBoard implements AsyncDisposable {
  readonly #options: RunBoardOptions;
  readonly #listening = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #running: RunningBoard | undefined;
  #isOpen = false;
  #isStopping = false;

  constructor(options: RunBoardOptions) {
    this.#options = options;
  }

  get plan(): BoardPlan {
    return this.#options.plan;
  }

  /** Starts the board, unless it was started before, and waits until it serves its page, or ends. */
  async start(services: ServiceOptions, servers: readonly StatusAddress[]): Promise<void> {
    if (this.#running !== undefined) return;
    const { cluster, plan: board } = this.#options;
    this.#running = cluster.startBoard({ ...services, board }, servers);
    const opened = Promise.race([this.#listening.promise, this.#ended.promise]);
    await settledWithin(opened, OPEN_TIMEOUT_MS);
  }

  /** Takes a line of the board. */
  line(line: string): void {
    const logged = parseAction(line);
    if (logged?.action !== "listen" || logged.result !== "success" || this.#isOpen) return;
    this.#isOpen = true;
    this.#options.say(`The board shows the lottery at ${this.#url}`);
    this.#listening.resolve();
  }

  /** Takes the end of the board, which does not end the run. */
  end(exitCode: number): void {
    this.#isOpen = false;
    // A terminal has sent it Ctrl-C as well, and a second signal ends it at once.
    if (exitCode !== 0 && !this.#isStopping) {
      this.#options.say(`The board has ended with exit code ${exitCode}`);
    }
    this.#ended.resolve();
  }

  /** Says that the board stays open after the run, if it does. */
  sayStaying(stop: AbortSignal): void {
    if (!this.#isStaying(stop)) return;
    this.#options.say(`The board stays open at ${this.#url}; Ctrl-C closes it`);
  }

  /** Keeps the board open after the run, if somebody sits at the terminal, until the operator stops it. */
  async untilClosed(stop: AbortSignal): Promise<void> {
    if (!this.#isStaying(stop)) return;
    const stopped = new Promise((resolve) => stop.addEventListener("abort", resolve));
    await Promise.race([stopped, this.#ended.promise]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    await this.#running?.stop();
  }

  #isStaying(stop: AbortSignal): boolean {
    const isWatched = Deno.stdin.isTerminal() && Deno.stdout.isTerminal() && !Deno.env.get("CI");
    return this.#isOpen && isWatched && !stop.aborted;
  }

  get #url(): string {
    return `http://localhost:${this.plan.port}`;
  }
}
