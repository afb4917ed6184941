/**
 * Tests of whole lotteries that run on every kind of ledger.
 *
 * @module
 */

import { NatsCluster } from "../testing/nats_cluster.ts";
import { type Need, needs } from "../testing/needs.ts";
import type { ServerGroupOptions } from "../testing/servers.ts";
import { readDraw } from "../testing/stream_reader.ts";
import { tempFolder } from "../testing/temp_folder.ts";

/** What every test of a lottery needs. */
const PROCESSES = ["run", "write", "env"] as const;
const POLL_MS = 20;

/** The ledger of one lottery. */
export interface LedgerUnderTest {
  /** What a group of servers needs to keep its bets here. */
  servers: Pick<ServerGroupOptions, "nodes" | "volume">;
  /** Waits until the stored bets take at least this much space. */
  untilStored(bytes: number): Promise<void>;
  /** Returns all stored bets in the form of bets.csv, without the code of the servers. */
  readRows(): Promise<string>;
}

/** A test of a lottery. */
export interface LotteryTest {
  name: string;
  fn: (ledger: LedgerUnderTest) => Promise<void>;
}

/**
 * Defines tests that run with files and on the nodes of a real cluster. Each has a ledger of its own; those on
 * nodes share a cluster, and are the steps of one test.
 */
export function testOnEveryLedger(
  { title, needed = PROCESSES }: { title: string; needed?: readonly Need[] },
  tests: readonly LotteryTest[],
): void {
  for (const { name, fn } of tests) {
    Deno.test(needs(needed, `${name}, in files`), async () => {
      await using folder = tempFolder();
      await fn(filesIn(folder.path));
    });
  }
  Deno.test({
    ...needs([...needed, "natsServer"], `${title}, on nodes`),
    fn: async (test) => {
      await using cluster = await NatsCluster.start();
      for (const [index, { name, fn }] of tests.entries()) {
        await test.step(name, () => fn(nodesOf(cluster, `test-${index + 1}`)));
      }
    },
  });
}

function filesIn(volume: string): LedgerUnderTest {
  const path = `${volume}/bets.csv`;
  return {
    servers: { volume },
    untilStored: (bytes) => until(async () => (await Deno.stat(path)).size >= bytes),
    readRows: () => Deno.readTextFile(path),
  };
}

/** The ledger of the lottery with this LEDGER_NAME on a cluster. */
export function nodesOf(cluster: NatsCluster, name: string): LedgerUnderTest {
  const prefix = `${name.toUpperCase()}_`;
  // A test may kill the first nodes.
  const node = cluster.nodes[cluster.nodes.length - 1];
  return {
    servers: {
      nodes: () => ({
        addresses: cluster.addresses,
        environment: { ...cluster.environment, LEDGER_NAME: name },
      }),
    },
    untilStored: (bytes) =>
      until(async () => {
        const streams = (await node.streams()).filter(({ name }) => name.startsWith(prefix));
        return streams.reduce((sum, { bytes }) => sum + bytes, 0) >= bytes;
      }),
    readRows: async () => {
      const draw = await readDraw({ address: node.address, name });
      const messages = [...draw?.streams.values() ?? []].flat();
      return messages.map(({ body }) => new TextDecoder().decode(body)).join("");
    },
  };
}

/** Waits for a state that no event reports. */
async function until(isReached: () => Promise<boolean>): Promise<void> {
  while (!await isReached()) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
