/**
 * Packets and clients that several tests of the server need.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { TestClient, TestServer } from "./start_server.ts";

export const STORE_BET = "StoreBet:1;Juan;Perez;12345678;1980-01-01;1234\n";
export const STORE_BATCH =
  "StoreBatch:1;Juan;Perez;12345678;1980-01-01;5423:Maria;Gomez;87654321;1999-10-25;1234\n";
export const STORE_BATCH_OTHER =
  "StoreBatch:2:Juan;Perez;12345678;1980-01-01;5423:Maria;Gomez;87654321;1999-10-25;1234\n";
export const STORED = "StoreResponse:0\n";
export const REFUSED = "StoreResponse:1\n";
/** A request of agency 5, and its answer while nothing is stored of it. */
export const PROGRESS = "ProgressRequest:5\n";
export const NO_BETS = "ProgressResponse:0\n";

/** Closes agencies and waits until the server has closed them. */
export async function closeAgencies(
  server: TestServer,
  agencies: readonly number[] = [1, 2, 3, 4, 5],
): Promise<void> {
  using client = await server.connect();
  await client.send(agencies.map((agency) => `AgencyClose:${agency}\n`).join(""));
  await client.ask("ProgressRequest:1\n");
}

/** Connects a client whose session waits for the draw. */
export async function waitingClient(
  server: TestServer,
  { agency = 1, source }: { agency?: number; source?: string } = {},
): Promise<TestClient> {
  const client = await server.connect(source);
  const looked = server.looked();
  await client.send(`WinnersRequest:${agency}\n`);
  await looked;
  return client;
}

/** Connects, and waits for a first answer. */
export async function servedClient(server: TestServer, source?: string): Promise<TestClient> {
  const client = await server.connect(source);
  assertEquals(await client.ask(PROGRESS), NO_BETS);
  return client;
}

/** Connects several clients that are served and rest. */
export async function servedClients(
  server: TestServer,
  count: number,
  source?: string,
): Promise<TestClient[]> {
  const clients: TestClient[] = [];
  while (clients.length < count) clients.push(await servedClient(server, source));
  return clients;
}

/** Asserts that the server still serves a client. */
export async function assertServed(client: TestClient): Promise<void> {
  assertEquals(await client.ask(PROGRESS), NO_BETS);
}

export function closeAll(clients: readonly TestClient[]): void {
  for (const client of clients) client.close();
}

/** Asserts that the next client is served and can store a bet. */
export async function servesHonestClient(server: TestServer): Promise<void> {
  using client = await server.connect();
  const progress = await client.ask(PROGRESS);
  const bets = Number(progress.slice("ProgressResponse:".length));
  assertEquals(await client.ask("StoreBet:5;Ana;Paz;1;1980-01-01;1\n"), STORED);
  assertEquals(await client.ask(PROGRESS), `ProgressResponse:${bets + 1}\n`);
}
