/**
 * Follows a run through the log lines and exit codes of its services. What clients have sent and
 * won is not read from logs: see client_results.ts.
 *
 * @module
 */

import { parseAction } from "./log_lines.ts";

/** What is known of one client. */
export interface ClientRun {
  agency: number;
  /** Whether it has closed its agency. */
  closed: boolean;
  exitCode?: number;
  /** Why a server last refused something to this agency, in the server's words. */
  refusal?: string;
}

/** What is known of one server, or of one node of the ledger. */
export interface ServerRun {
  name: string;
  /** Its exit codes: more than one if it was started again. */
  exitCodes: number[];
  /** Whether it failed and was not started again. */
  isDown: boolean;
  /** Why it failed last, in its own words. */
  error?: string;
}

/** `ended`: every client has ended. `stuck`: the others wait for a draw that cannot take place. */
export type RunOutcome = "ended" | "stuck";

/** Follows the services of a run. */
export class RunWatch {
  readonly servers: readonly ServerRun[];
  /** The clients in the order of their agencies. */
  readonly clients: readonly ClientRun[];
  /** Resolves when no client can make progress any more. */
  readonly outcome: Promise<RunOutcome>;
  /** Resolves when a server has drawn. */
  readonly drawn: Promise<void>;
  readonly #resolve: (outcome: RunOutcome) => void;
  readonly #onDraw: () => void;
  readonly #clientNamed: Map<string, ClientRun>;
  readonly #serverNamed: Map<string, ServerRun>;
  #firstMs = 0;
  #lastMs = 0;

  /** @param names Those of nodes are among those of servers. */
  constructor(names: { servers: string[]; clients: string[] }) {
    this.servers = names.servers.map((name) => ({ name, exitCodes: [], isDown: false }));
    this.clients = names.clients.map((_, index) => ({ agency: index + 1, closed: false }));
    this.#clientNamed = new Map(names.clients.map((name, index) => [name, this.clients[index]]));
    this.#serverNamed = new Map(this.servers.map((server) => [server.name, server]));
    ({ promise: this.outcome, resolve: this.#resolve } = Promise.withResolvers<RunOutcome>());
    ({ promise: this.drawn, resolve: this.#onDraw } = Promise.withResolvers<void>());
  }

  /** The time from the first line of a client to the end of the last client. */
  get elapsedMs(): number {
    return this.#lastMs - this.#firstMs;
  }

  /** Takes a line of a service. */
  line(name: string, line: string): void {
    const client = this.#clientNamed.get(name);
    if (client !== undefined) this.#firstMs ||= this.#lastMs = performance.now();
    const logged = parseAction(line);
    if (logged === undefined) return;
    const server = this.#serverNamed.get(name);
    if (server !== undefined && logged.result === "fail") this.#serverFailed(server, logged);
    if (logged.result !== "success") return;
    if (server !== undefined && logged.action === "sorteo") this.#onDraw();
    if (client === undefined) return;
    if (logged.action === "agency_close") client.closed = true;
    this.#check();
  }

  /** Takes the exit code of a service. */
  end(name: string, exitCode: number): void {
    this.#serverNamed.get(name)?.exitCodes.push(exitCode);
    const client = this.#clientNamed.get(name);
    if (client === undefined) return;
    client.exitCode = exitCode;
    this.#lastMs = performance.now();
    this.#check();
  }

  /** A server has failed and is not started again. */
  down(name: string): void {
    const server = this.#serverNamed.get(name);
    if (server !== undefined) server.isDown = true;
  }

  /**
   * Keeps the reason that only a server knows: of its own end, or of what it refused to an agency.
   */
  #serverFailed(server: ServerRun, { action, agency, error }: Record<string, string>): void {
    if (action === "start" || action === "ledger") server.error = error;
    const client = this.clients[Number(agency) - 1];
    const isRefusal = action === "apuestas_almacenadas" || action === "agency_close";
    if (isRefusal && client !== undefined) client.refusal = error;
  }

  #check(): void {
    const running = this.clients.filter(({ exitCode }) => exitCode === undefined);
    if (running.length === 0) return this.#resolve("ended");
    const isDrawLost = this.clients.some((client) => !client.closed && !running.includes(client));
    if (isDrawLost && running.every(({ closed }) => closed)) this.#resolve("stuck");
  }
}
