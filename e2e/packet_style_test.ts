import { assertEquals } from "@std/assert";
import { LineConnection } from "../testing/line_connection.ts";
import { DATASET_FOLDER, hasDataset } from "../testing/needs.ts";
import type { Address } from "../testing/ports.ts";
import { ServerGroup } from "../testing/servers.ts";
import { assertRows, type BetsFolder, readBets, sampleBets, winnersOf } from "./bets.ts";
import { testOnEveryLedger } from "./ledgers.ts";

/** The longest packet of the original client, its newline included. */
const PACKET_BYTES_MAX = 8192;

/** Sends one packet over a connection of its own. Returns the answer. */
async function exchange(address: Address, packet: string): Promise<string> {
  using connection = await LineConnection.open(address);
  return await connection.ask(`${packet}\n`);
}

/** Sends AgencyClose, which has no answer, and disconnects. */
async function close(address: Address, agency: number): Promise<void> {
  using connection = await LineConnection.open(address);
  await connection.send(`AgencyClose:${agency}\n`);
}

/** Yields batches in the original's spelling, with a `:` after the agency. */
function* packets(agency: number, rows: string[]): Generator<string> {
  let packet = `StoreBatch:${agency}`;
  for (const row of rows) {
    const bet = `:${row.replaceAll(",", ";")}`;
    if (new TextEncoder().encode(packet + bet).length >= PACKET_BYTES_MAX) {
      yield packet;
      packet = `StoreBatch:${agency}`;
    }
    packet += bet;
  }
  yield packet;
}

/** Stores the bets of an agency, closes it, and returns the answer to its WinnersRequest. */
async function runAgency(address: Address, agency: number, rows: string[]): Promise<string> {
  for (const packet of packets(agency, rows)) {
    assertEquals(await exchange(address, packet), "StoreResponse:0");
  }
  await close(address, agency);
  return await exchange(address, `WinnersRequest:${agency}`);
}

/** Returns the bets of one agency: the smallest of the exercise's, or sample bets. */
async function smallBets(): Promise<BetsFolder> {
  const bets = await sampleBets({ agencies: 1, bets: 1000 });
  if (!hasDataset()) return bets;
  await Deno.copyFile(`${DATASET_FOLDER}/agency-5.csv`, `${bets.path}/agency-1.csv`);
  await Deno.chmod(`${bets.path}/agency-1.csv`, 0o600);
  return bets;
}

testOnEveryLedger({ title: "the original's style of packets" }, [{
  name: "servers accept one connection per packet, and `:` between the agency and its bets",
  fn: async (ledger) => {
    await using bets = await smallBets();
    const [rows] = await readBets(bets);
    // A certain winner, in either spelling.
    const extra = "Ana,Ñandú,30123456,1990-12-31,7574";
    await using servers = await ServerGroup.start({ servers: 2, agencies: 1, ...ledger.servers });
    const { address } = servers;
    const single = `StoreBet:1;${extra.replaceAll(",", ";")}`;
    assertEquals(await exchange(address, single), "StoreResponse:0");
    const answer = await runAgency(address, 1, rows);
    const sent = [[extra, ...rows]];
    assertEquals(answer, `WinnersResponse:${winnersOf(sent)[0].join(";")}`);
    assertRows(await ledger.readRows(), sent);
    assertEquals(await exchange(address, single), "StoreResponse:1");
    assertEquals(await servers.stop(), [0, 0]);
  },
}]);
