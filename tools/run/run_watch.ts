/**
 * Follows the clients of a run through their log lines and exit codes.
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

/** Follows the clients client1 to clientN. */
export class RunWatch {
  /** The clients in the order of their agencies. */
  readonly clients: readonly ClientRun[];
  /** Resolves when no client can make progress any more. */
  readonly outcome: Promise<RunOutcome>;
  readonly #resolve: (outcome: RunOutcome) => void;
  #firstMs = 0;
  #lastMs = 0;

  constructor(clients: number) {
    this.clients = Array.from({ length: clients }, (_, index) => ({
      agency: index + 1,
      closed: false,
    }));
    ({ promise: this.outcome, resolve: this.#resolve } = Promise.withResolvers<RunOutcome>());
  }

  /** The time from the first line of a client to the end of the last client. */
  get elapsedMs(): number {
    return this.#lastMs - this.#firstMs;
  }

  /** Takes a line of a service. */
  line(name: string, line: string): void {
    const client = this.#client(name);
    if (client === undefined) return;
    this.#firstMs ||= this.#lastMs = performance.now();
    const logged = parseAction(line);
    if (logged === undefined) return;
    const { action, result, details } = logged;
    if (action === "run" && result === "fail") client.error = details.error;
    if (result !== "success") return;
    if (action === "apuestas_enviadas") client.sent = Number(details.cantidad);
    if (action === "agency_close") client.closed = true;
    if (action === "consulta_ganadores") {
      client.documents = details.documentos ? details.documentos.split(";") : [];
    }
    this.#check();
  }

  /** Takes the exit code of a service. */
  end(name: string, exitCode: number): void {
    const client = this.#client(name);
    if (client === undefined) return;
    client.exitCode = exitCode;
    this.#lastMs = performance.now();
    this.#check();
  }

  #client(name: string): ClientRun | undefined {
    const agency = Number(/^client(\d+)$/.exec(name)?.[1]);
    return this.clients[agency - 1];
  }

  #check(): void {
    const running = this.clients.filter(({ exitCode }) => exitCode === undefined);
    if (running.length === 0) return this.#resolve("ended");
    const isDrawLost = this.clients.some((client) => !client.closed && !running.includes(client));
    if (isDrawLost && running.every(({ closed }) => closed)) this.#resolve("stuck");
  }
}
