/**
 * What the clients of one run have done so far, as their log lines and their ends tell.
 *
 * @module
 */

import { parseAction } from "./log_lines.ts";

/** What is known of one client. */
export interface ClientRun {
  agency: number;
  /** Bets that it has sent and that the servers have stored, as it says at the end. */
  sent?: number;
  /** Whether it has closed its agency. */
  closed: boolean;
  /** The documents of its winners. */
  documents?: string[];
  exitCode?: number;
  /** What it has failed of, in its own words. */
  error?: string;
}

/** How the clients ended: all by themselves, or some wait for a draw that cannot take place. */
export type RunOutcome = "ended" | "stuck";

/** Follows the clients client1 to clientN. */
export class RunWatch {
  /** One for each client, in the order of their agencies. */
  readonly clients: readonly ClientRun[];
  /** Resolves when no client has anything left to do. */
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

  /** The names of the clients. */
  names(): string[] {
    return this.clients.map(({ agency }) => `client${agency}`);
  }

  /** The time from the first client's first word to the last one's end. */
  get elapsedMs(): number {
    return this.#lastMs - this.#firstMs;
  }

  /** Takes a line of a service. */
  line(name: string, line: string): void {
    const client = this.#client(name);
    if (client !== undefined) this.#firstMs ||= this.#lastMs = performance.now();
    const logged = client && parseAction(line);
    if (logged?.action === "run" && logged.result === "fail") client!.error = logged.details.error;
    if (logged?.result !== "success") return;
    const { action, details } = logged;
    if (action === "apuestas_enviadas") client!.sent = Number(details.cantidad);
    if (action === "agency_close") client!.closed = true;
    if (action === "consulta_ganadores") {
      client!.documents = details.documentos ? details.documentos.split(";") : [];
    }
    this.#check();
  }

  /** Takes the end of a service. */
  end(name: string, exitCode: number): void {
    const client = this.#client(name);
    if (client === undefined) return;
    client.exitCode = exitCode;
    this.#lastMs = performance.now();
    this.#check();
  }

  #client(name: string): ClientRun | undefined {
    const match = /^client(\d+)$/.exec(name);
    return match === null ? undefined : this.clients[Number(match[1]) - 1];
  }

  #check(): void {
    const running = this.clients.filter(({ exitCode }) => exitCode === undefined);
    if (running.length === 0) return this.#resolve("ended");
    const isDrawLost = this.clients.some(({ closed, exitCode }) =>
      !closed && exitCode !== undefined
    );
    if (isDrawLost && running.every(({ closed }) => closed)) this.#resolve("stuck");
  }
}
