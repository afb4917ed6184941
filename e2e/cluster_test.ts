import { assert, assertEquals } from "@std/assert";
import {
  assertStored,
  type BetsFolder,
  courseBets,
  readBets,
  sampleBets,
  winnersOf,
} from "./bets.ts";
import { needing } from "./needs.ts";
import {
  startClient,
  startServers,
  type TestProcess,
  type TestServers,
} from "../testing/processes.ts";

const PROCESSES = { run: true, write: true, env: true };

function startClients(
  servers: TestServers,
  bets: BetsFolder,
  env: Record<string, string> = {},
): TestProcess[] {
  return Array.from(
    { length: bets.agencies },
    (_, index) =>
      startClient({ agency: index + 1, address: servers.address, data: bets.path, env }),
  );
}

/** Waits for the clients and makes sure that every bet is stored once and every winner told. */
async function assertGoodEnd(
  { servers, clients, bets }: { servers: TestServers; clients: TestProcess[]; bets: BetsFolder },
): Promise<void> {
  const rows = await readBets(bets);
  const winners = winnersOf(rows);
  for (const [index, client] of clients.entries()) {
    assertEquals(await client.ended(), 0, client.output());
    const documents = winners[index].join(";");
    const line = await client.line(/consulta_ganadores \| result: success/);
    const told = `| cant_ganadores: ${winners[index].length} | documentos: ${documents}`;
    assertEquals(line.slice(line.indexOf("| cant_ganadores")).trim(), told.trim());
  }
  await assertStored(servers.volume, rows);
  assertEquals(await servers.stop(), Array(servers.size).fill(0));
}

Deno.test({
  ...needing(
    "lottery stores five agencies' bets once and in order, and tells the winners",
    PROCESSES,
  ),
  async fn() {
    await using bets = await courseBets();
    await using servers = await startServers({ servers: 3, agencies: 5 });
    await assertGoodEnd({ servers, clients: startClients(servers, bets), bets });
  },
});

for (
  const { name, servers: size, agencies } of [
    { name: "two agencies a server", servers: 2, agencies: 4 },
    { name: "more servers than agencies", servers: 5, agencies: 2 },
    { name: "one server for all", servers: 1, agencies: 4 },
  ]
) {
  Deno.test({
    ...needing(`lottery works with ${name}`, PROCESSES),
    async fn() {
      await using bets = await sampleBets({ agencies, bets: 8000 });
      await using servers = await startServers({ servers: size, agencies });
      await assertGoodEnd({ servers, clients: startClients(servers, bets), bets });
    },
  });
}

Deno.test({
  ...needing("lottery works with servers of one connection at a time", PROCESSES),
  async fn() {
    await using bets = await sampleBets({ agencies: 3, bets: 3000 });
    const env = { SERVER_MAX_CONNECTIONS: "1" };
    await using servers = await startServers({ servers: 2, agencies: 3, env });
    await assertGoodEnd({ servers, clients: startClients(servers, bets), bets });
  },
});

/** Waits until bets.csv has grown to a size. */
async function untilStored(volume: string, bytes: number): Promise<void> {
  using watcher = Deno.watchFs(volume);
  const size = async () => (await Deno.stat(`${volume}/bets.csv`)).size;
  if (await size() >= bytes) return;
  for await (const _event of watcher) {
    if (await size() >= bytes) return;
  }
}

for (
  const { name, end } of [
    { name: "stopped", end: (servers: TestServers) => servers.stop() },
    { name: "killed", end: (servers: TestServers) => servers.kill() },
  ]
) {
  Deno.test({
    ...needing(
      `lottery loses and doubles nothing when all servers are ${name} and started again`,
      PROCESSES,
    ),
    async fn() {
      await using bets = await sampleBets({ agencies: 3, bets: 30_000 });
      await using servers = await startServers({ servers: 2, agencies: 3 });
      // Small packets, so that there is a middle to stop in.
      const clients = startClients(servers, bets, { CLI_BATCH_SIZE: "5" });
      for (const bytes of [200_000, 600_000]) {
        await untilStored(servers.volume, bytes);
        assert(clients.some(({ hasEnded }) => !hasEnded), "there is still a middle to stop in");
        await end(servers);
        await servers.startAgain();
      }
      await assertGoodEnd({ servers, clients, bets });
    },
  });
}

Deno.test({
  ...needing("lottery goes on when clients are killed and started again", PROCESSES),
  async fn() {
    await using bets = await sampleBets({ agencies: 2, bets: 20_000 });
    await using servers = await startServers({ servers: 2, agencies: 2 });
    const clients = startClients(servers, bets, { CLI_BATCH_SIZE: "5" });
    await untilStored(servers.volume, 200_000);
    for (const client of clients) client.signal("SIGKILL");
    assertEquals(await Promise.all(clients.map((client) => client.ended())), [137, 137]);
    await assertGoodEnd({ servers, clients: startClients(servers, bets), bets });
  },
});
