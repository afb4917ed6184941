import { assert, assertEquals } from "@std/assert";
import { startClient } from "../testing/clients.ts";
import { needs } from "../testing/needs.ts";
import type { Program } from "../testing/program.ts";
import { ServerGroup } from "../testing/servers.ts";
import {
  assertStored,
  type BetsFolder,
  exerciseBets,
  readBets,
  sampleBets,
  winnersOf,
} from "./bets.ts";

const PROCESSES = ["run", "write", "env"] as const;

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

/** Waits for the clients, then asserts that every bet is stored once and every agency knows its winners. */
async function assertGoodEnd(
  { servers, clients, bets }: { servers: ServerGroup; clients: Program[]; bets: BetsFolder },
): Promise<void> {
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
  await assertStored(servers.volume, rows);
  assertEquals(await servers.stop(), servers.servers.map(() => 0));
}

Deno.test(
  needs(
    PROCESSES,
    "lottery stores five agencies' bets once and in order, and announces the winners",
  ),
  async () => {
    await using bets = await exerciseBets();
    await using servers = await ServerGroup.start({ servers: 3, agencies: 5 });
    await assertGoodEnd({ servers, clients: startClients(servers, bets), bets });
  },
);

for (
  const { name, servers: size, agencies } of [
    { name: "two agencies per server", servers: 2, agencies: 4 },
    { name: "more servers than agencies", servers: 5, agencies: 2 },
    { name: "one server for all agencies", servers: 1, agencies: 4 },
  ]
) {
  Deno.test(needs(PROCESSES, `lottery works with ${name}`), async () => {
    await using bets = await sampleBets({ agencies, bets: 8000 });
    await using servers = await ServerGroup.start({ servers: size, agencies });
    await assertGoodEnd({ servers, clients: startClients(servers, bets), bets });
  });
}

Deno.test(
  needs(PROCESSES, "lottery works with servers that accept one connection at a time"),
  async () => {
    await using bets = await sampleBets({ agencies: 3, bets: 3000 });
    const env = { SERVER_MAX_CONNECTIONS: "1" };
    await using servers = await ServerGroup.start({ servers: 2, agencies: 3, env });
    await assertGoodEnd({ servers, clients: startClients(servers, bets), bets });
  },
);

/** Waits until bets.csv has at least `bytes` bytes. */
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
    { name: "stopped", end: (servers: ServerGroup) => servers.stop() },
    { name: "killed", end: (servers: ServerGroup) => servers.kill() },
  ]
) {
  Deno.test(
    needs(
      PROCESSES,
      `lottery loses and duplicates nothing when all servers are ${name} and restarted`,
    ),
    async () => {
      await using bets = await sampleBets({ agencies: 3, bets: 30_000 });
      await using servers = await ServerGroup.start({ servers: 2, agencies: 3 });
      // Small packets, so that the servers end in the middle of the work.
      const clients = startClients(servers, bets, { CLI_BATCH_SIZE: "5" });
      for (const bytes of [200_000, 600_000]) {
        await untilStored(servers.volume, bytes);
        assert(clients.some(({ isRunning }) => isRunning), "no client has work left");
        await end(servers);
        await servers.startAll();
      }
      await assertGoodEnd({ servers, clients, bets });
    },
  );
}

Deno.test(
  needs(PROCESSES, "lottery continues when all clients are killed and restarted"),
  async () => {
    await using bets = await sampleBets({ agencies: 2, bets: 20_000 });
    await using servers = await ServerGroup.start({ servers: 2, agencies: 2 });
    const clients = startClients(servers, bets, { CLI_BATCH_SIZE: "5" });
    await untilStored(servers.volume, 200_000);
    for (const client of clients) client.signal("SIGKILL");
    assertEquals(await Promise.all(clients.map((client) => client.ended())), [137, 137]);
    await assertGoodEnd({ servers, clients: startClients(servers, bets), bets });
  },
);
