import { assert, assertEquals } from "@std/assert";
import { startClient } from "../testing/clients.ts";
import type { Program } from "../testing/program.ts";
import { ServerGroup } from "../testing/servers.ts";
import {
  assertRows,
  type BetsFolder,
  exerciseBets,
  readBets,
  sampleBets,
  winnersOf,
} from "./bets.ts";
import { type LedgerUnderTest, type LotteryTest, testOnEveryLedger } from "./ledgers.ts";

/** Starts the client of every agency. */
function startClients(
  { address }: ServerGroup,
  { path, agencies }: BetsFolder,
  env?: Record<string, string>,
): Program[] {
  return Array.from(
    { length: agencies },
    (_, index) => startClient({ agency: index + 1, address, data: path, env }),
  );
}

/** The parts of a lottery at its end. */
interface LotteryEnd {
  ledger: LedgerUnderTest;
  servers: ServerGroup;
  clients: Program[];
  bets: BetsFolder;
}

/** Waits for the clients, then asserts that every bet is stored once and every agency knows its winners. */
async function assertGoodEnd({ ledger, servers, clients, bets }: LotteryEnd): Promise<void> {
  const rows = await readBets(bets);
  const winners = winnersOf(rows);
  for (const [index, client] of clients.entries()) {
    assertEquals(await client.ended(), 0, client.output());
    const [, reported] = await client.line(
      /consulta_ganadores \| result: success.* \| (cant_ganadores.*)/,
    );
    const documents = winners[index].join(";");
    const expected = `cant_ganadores: ${winners[index].length} | documentos: ${documents}`;
    assertEquals(reported.trim(), expected.trim());
  }
  assertRows(await ledger.readRows(), rows);
  assertEquals(await servers.stop(), servers.servers.map(() => 0));
}

/** Numbers of servers and agencies. */
const SIZES = [
  { name: "two agencies per server", servers: 2, agencies: 4 },
  { name: "more servers than agencies", servers: 5, agencies: 2 },
  { name: "one server for all agencies", servers: 1, agencies: 4 },
];

/** How all servers end. */
const ENDS = [
  { name: "stopped", end: (servers: ServerGroup) => servers.stop() },
  { name: "killed", end: (servers: ServerGroup) => servers.kill() },
];

const TESTS: LotteryTest[] = [
  {
    name: "lottery stores five agencies' bets once and in order, and announces the winners",
    fn: async (ledger) => {
      await using bets = await exerciseBets();
      await using servers = await ServerGroup.start({
        servers: 3,
        agencies: 5,
        ...ledger.servers,
      });
      await assertGoodEnd({ ledger, servers, clients: startClients(servers, bets), bets });
    },
  },
  ...SIZES.map(({ name, servers: size, agencies }) => ({
    name: `lottery works with ${name}`,
    fn: async (ledger: LedgerUnderTest) => {
      await using bets = await sampleBets({ agencies, bets: 8000 });
      const options = { servers: size, agencies, ...ledger.servers };
      await using servers = await ServerGroup.start(options);
      await assertGoodEnd({ ledger, servers, clients: startClients(servers, bets), bets });
    },
  })),
  {
    name: "lottery works with servers that accept one connection at a time",
    fn: async (ledger) => {
      await using bets = await sampleBets({ agencies: 3, bets: 3000 });
      const env = { SERVER_MAX_CONNECTIONS: "1" };
      const options = { servers: 2, agencies: 3, env, ...ledger.servers };
      await using servers = await ServerGroup.start(options);
      await assertGoodEnd({ ledger, servers, clients: startClients(servers, bets), bets });
    },
  },
  ...ENDS.map(({ name, end }) => ({
    name: `lottery loses and duplicates nothing when all servers are ${name} and restarted`,
    fn: async (ledger: LedgerUnderTest) => {
      await using bets = await sampleBets({ agencies: 3, bets: 30_000 });
      await using servers = await ServerGroup.start({
        servers: 2,
        agencies: 3,
        ...ledger.servers,
      });
      // Small packets, so that the servers end in the middle of the work.
      const clients = startClients(servers, bets, { CLI_BATCH_SIZE: "5" });
      for (const bytes of [200_000, 600_000]) {
        await ledger.untilStored(bytes);
        assert(clients.some(({ isRunning }) => isRunning), "no client has work left");
        await end(servers);
        await servers.startAll();
      }
      await assertGoodEnd({ ledger, servers, clients, bets });
    },
  })),
  {
    name: "lottery continues when all clients are killed and restarted",
    fn: async (ledger) => {
      await using bets = await sampleBets({ agencies: 2, bets: 20_000 });
      await using servers = await ServerGroup.start({
        servers: 2,
        agencies: 2,
        ...ledger.servers,
      });
      const clients = startClients(servers, bets, { CLI_BATCH_SIZE: "5" });
      await ledger.untilStored(200_000);
      for (const client of clients) client.signal("SIGKILL");
      assertEquals(await Promise.all(clients.map((client) => client.ended())), [137, 137]);
      await assertGoodEnd({ ledger, servers, clients: startClients(servers, bets), bets });
    },
  },
];

testOnEveryLedger({ title: "whole lotteries" }, TESTS);
