/**
 * Follows a run through the log lines and exit codes of its services.
 *
 * @module
 */

import { parseAction } from "./log_lines.ts";

/** What is known of one client. */
export interface ClientRun {
  agency: number;
  /** Number of bets that it has sent and that the servers have stored, as it logs at the end. */
  sent?: number;
  /** Whether it has closed its agency. */
  closed: boolean;
  /** The documents of its winners. */
  documents?: string[];
  exitCode?: number;
  /** Why it failed, in its own words. */
  error?: string;
}

/** `ended`: every client has ended. `stuck`: the others wait for a draw that cannot take place. */
export type RunOutcome = "ended" | "stuck";

/** Follows the services of a run. */
export class RunWatch {
  /** The exit codes of the servers by name, as far as they are known. */
  readonly servers: Map<string, number | undefined>;
  /** The clients in the order of their agencies. */
  readonly clients: readonly ClientRun[];
  /** Resolves when no client can make progress any more. */
  readonly outcome: Promise<RunOutcome>;
  readonly #resolve: (outcome: RunOutcome) => void;
  readonly #clientNamed: Map<string, ClientRun>;
  #firstMs = 0;
  #lastMs = 0;

  constructor(names: { servers: string[]; clients: string[] }) {
    this.servers = new Map(names.servers.map((name) => [name, undefined]));
    this.clients = names.clients.map((_, index) => ({ agency: index + 1, closed: false }));
    this.#clientNamed = new Map(names.clients.map((name, index) => [name, this.clients[index]]));
    ({ promise: this.outcome, resolve: this.#resolve } = Promise.withResolvers<RunOutcome>());
  }

  /** The time from the first line of a client to the end of the last client. */
  get elapsedMs(): number {
    return this.#lastMs - this.#firstMs;
  }

  /** Takes a line of a service. */
  line(name: string, line: string): void {
    const client = this.#clientNamed.get(name);
    if (client === undefined) return;
    this.#firstMs ||= this.#lastMs = performance.now();
    const logged = parseAction(line);
    if (logged === undefined) return;
    const { action, result, cantidad, documentos, error } = logged;
    if (action === "run" && result === "fail") client.error = error;
    if (result !== "success") return;
    if (action === "apuestas_enviadas") client.sent = Number(cantidad);
    if (action === "agency_close") client.closed = true;
    if (action === "consulta_ganadores") client.documents = documentos ? documentos.split(";") : [];
    this.#check();
  }

  /** Takes the exit code of a service. */
  end(name: string, exitCode: number): void {
    if (this.servers.has(name)) this.servers.set(name, exitCode);
    const client = this.#clientNamed.get(name);
    if (client === undefined) return;
    client.exitCode = exitCode;
    this.#lastMs = performance.now();
    this.#check();
  }

  #check(): void {
    const running = this.clients.filter(({ exitCode }) => exitCode === undefined);
    if (running.length === 0) return this.#resolve("ended");
    const isDrawLost = this.clients.some((client) => !client.closed && !running.includes(client));
    if (isDrawLost && running.every(({ closed }) => closed)) this.#resolve("stuck");
  }
}
