/**
 * A minimal agency: sends its bets, closes, and prints the documents of its winners.
 *
 * Usage: ./denow run --allow-net examples/agency.ts HOST:PORT AGENCY
 *
 * @module
 */

import {
  decodeProgressResponse,
  decodeStoreResponse,
  decodeWinnersResponse,
  encodeAgencyRequest,
  FrameBuffer,
  STORED,
} from "../shared/mod.ts";

/** First name, last name, document, birthdate, number. The order is fixed: progress is a place in it. */
const BETS = [
  "Juan;Pérez;12345678;1980-01-01;1234",
  "María;Gómez;87654321;1999-10-25;7574",
  "Li;O'Neil, Jr.;A-77;2001-12-31;7574",
];
const BATCH_BETS = 2;
const ANSWER_MS = 10_000;
const ANSWER_BYTES_MAX = 1024 * 1024;

/** Does the whole work of the agency on one connection. Returns the documents of its winners. */
async function run(connection: Deno.TcpConn, agency: number): Promise<string[]> {
  const frames = new FrameBuffer(ANSWER_BYTES_MAX);

  async function ask<Answer>(packet: Uint8Array, decode: (line: Uint8Array) => Answer) {
    for (let at = 0; at < packet.length;) at += await connection.write(packet.subarray(at));
    for (;;) {
      const line = frames.take();
      if (line !== undefined) return decode(line);
      const count = await connection.read(frames.space());
      if (count === null) throw new Error("the server has closed the connection");
      frames.filled(count);
    }
  }

  async function askInTime<Answer>(packet: Uint8Array, decode: (line: Uint8Array) => Answer) {
    const timer = setTimeout(() => connection.close(), ANSWER_MS);
    return await ask(packet, decode).finally(() => clearTimeout(timer));
  }

  const progress = () =>
    askInTime(encodeAgencyRequest("ProgressRequest", agency), decodeProgressResponse);

  let stored = await progress();
  while (stored < BETS.length) {
    const batch = BETS.slice(stored, stored + BATCH_BETS);
    const packet = new TextEncoder().encode(`StoreBatch:${agency};${batch.join(":")}\n`);
    if (await askInTime(packet, decodeStoreResponse) === STORED) {
      stored += batch.length;
      continue;
    }
    const refused = stored;
    stored = await progress();
    if (stored === refused) {
      stop(`the servers refuse bets ${stored + 1} to ${stored + batch.length}`);
    }
  }
  if (stored > BETS.length) stop(`the servers have ${stored} bets: somebody else sends for it`);
  // AgencyClose has no answer; the answer to ProgressRequest arrives after the close is stored.
  await connection.write(encodeAgencyRequest("AgencyClose", agency));
  await progress();
  return await ask(encodeAgencyRequest("WinnersRequest", agency), decodeWinnersResponse);
}

function stop(reason: string): never {
  console.error(reason);
  Deno.exit(1);
}

const [address, agency] = Deno.args;
const { hostname, port } = new URL(`tcp://${address}`);
for (;;) {
  try {
    using connection = await Deno.connect({ hostname, port: Number(port) });
    console.log(`winners: ${(await run(connection, Number(agency))).join(";")}`);
    break;
  } catch (error) {
    console.error(`trying again: ${(error as Error).message}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
