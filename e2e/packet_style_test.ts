import { assertEquals } from "@std/assert";
import { FrameBuffer } from "../shared/framing.ts";
import { assertStored, type BetsFolder, readBets, sampleBets, winnersOf } from "./bets.ts";
import { COURSE_DATASET, needing, needs } from "./needs.ts";
import { startServers, type TestServers } from "../testing/processes.ts";

/** As the original's packets: at most so many bytes, line end included. */
const PACKET_BYTES_MAX = 8192;

/** Sends one packet over a connection of its own. Returns the answer, or nothing if there is none. */
async function exchange(port: number, packet: string): Promise<string | undefined> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  for (let bytes = new TextEncoder().encode(`${packet}\n`); bytes.length > 0;) {
    bytes = bytes.subarray(await connection.write(bytes));
  }
  const frames = new FrameBuffer(1024 * 1024);
  for (;;) {
    const frame = frames.take();
    if (frame !== undefined) return new TextDecoder().decode(frame);
    const count = await connection.read(frames.space());
    if (count === null) return undefined;
    frames.filled(count);
  }
}

/** Sends AgencyClose, which has no answer, and hangs up. */
async function close(port: number, agency: number): Promise<void> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(`AgencyClose:${agency}\n`));
}

/** Batches in the original's spelling, a `:` behind the agency. */
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

async function runAgency({ port }: TestServers, agency: number, rows: string[]): Promise<string> {
  for (const packet of packets(agency, rows)) {
    assertEquals(await exchange(port, packet), "StoreResponse:0");
  }
  await close(port, agency);
  return await exchange(port, `WinnersRequest:${agency}`) ?? "";
}

/** One agency's bets: the course's smallest, else a sample. */
async function smallBets(): Promise<BetsFolder> {
  const bets = await sampleBets({ agencies: 1, bets: 1000 });
  if (needs({ dataset: true }).ignore) return bets;
  await Deno.copyFile(`${COURSE_DATASET}/agency-5.csv`, `${bets.path}/agency-1.csv`);
  await Deno.chmod(`${bets.path}/agency-1.csv`, 0o600);
  return bets;
}

Deno.test({
  ...needing(
    "servers serve clients that send each packet over its own connection, agency and bets apart by `:`",
    {
      run: true,
      write: true,
      env: true,
    },
  ),
  async fn() {
    await using bets = await smallBets();
    const [rows] = await readBets(bets);
    // A winner for certain, in either spelling.
    const extra = "Ana,Ñandú,30123456,1990-12-31,7574";
    await using servers = await startServers({ servers: 2, agencies: 1 });
    const single = `StoreBet:1;${extra.replaceAll(",", ";")}`;
    assertEquals(await exchange(servers.port, single), "StoreResponse:0");
    const answer = await runAgency(servers, 1, rows);
    const sent = [[extra, ...rows]];
    assertEquals(answer, `WinnersResponse:${winnersOf(sent)[0].join(";")}`);
    await assertStored(servers.volume, sent);
    assertEquals(await exchange(servers.port, single), "StoreResponse:1");
    assertEquals(await servers.stop(), [0, 0]);
  },
});
