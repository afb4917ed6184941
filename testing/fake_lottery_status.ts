/**
 * Servers that only report a status, which the caller makes up.
 *
 * @module
 */

import type { StatusReport } from "../shared/status/report.ts";
import { madeReport } from "./made_report.ts";
import type { Address } from "./ports.ts";

/** Options of {@linkcode FakeLotteryStatus}. */
export interface FakeStatusOptions {
  servers: number;
  agencies: number;
  /** @default {a new UUID} */
  id?: string;
  /** @default {7574} */
  winningNumber?: number;
}

/** The state of one of the servers. */
export interface FakeServer {
  address: Address;
  /** Whether it answers. */
  isUp: boolean;
  connections: number;
  startedMs: number;
  /** Why it is not ready. */
  reason: string | null;
}

/** Servers of a lottery that nobody can bet in. At the end of the block they stop. */
export class FakeLotteryStatus implements AsyncDisposable {
  readonly id: string;
  readonly servers: FakeServer[];
  readonly agencies: { agency: number; bets: number; closed: boolean }[];
  readonly #listeners: Deno.HttpServer<Deno.NetAddr>[];
  readonly #winningNumber: number;
  readonly #createdAt = new Date().toISOString();

  constructor(
    { servers, agencies, id = crypto.randomUUID(), winningNumber = 7574 }: FakeStatusOptions,
  ) {
    this.id = id;
    this.#winningNumber = winningNumber;
    this.agencies = Array.from(
      { length: agencies },
      (_, index) => ({ agency: index + 1, bets: 0, closed: false }),
    );
    this.#listeners = Array.from({ length: servers }, (_, index) =>
      Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen: () => {} },
        () => this.#answer(index),
      ));
    this.servers = this.#listeners.map(({ addr: { hostname, port } }) => ({
      address: { hostname, port },
      isUp: true,
      connections: 0,
      startedMs: Date.now(),
      reason: null,
    }));
  }

  /** The setting BOARD_SERVERS. */
  get list(): string {
    return this.servers.map(({ address: { hostname, port } }, index) =>
      `server${index + 1}=${hostname}:${port}`
    ).join(",");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.shutdown()));
  }

  #answer(index: number): Response {
    // A board cannot distinguish a refused connection from an invalid answer.
    if (!this.servers[index].isUp) return new Response("", { status: 500 });
    return Response.json(this.#report(this.servers[index]));
  }

  #report({ address, connections, startedMs, reason }: FakeServer): StatusReport {
    return madeReport({
      server: {
        port: address.port,
        reason,
        startedAt: new Date(startedMs).toISOString(),
        uptimeSeconds: (Date.now() - startedMs) / 1000,
      },
      connections: { served: connections },
      lottery: { id: this.id, createdAt: this.#createdAt, winningNumber: this.#winningNumber },
      agencies: this.agencies,
      // No two servers sync at the same speed.
      syncSeconds: 0.0008 + 0.0001 * (address.port % 17),
    });
  }
}
