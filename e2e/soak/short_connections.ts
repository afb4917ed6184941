/**
 * Short connections of many kinds, at a rate.
 *
 * @module
 */

import { pause } from "../../shared/pause.ts";
import { LineConnection } from "../../testing/line_connection.ts";
import type { Address } from "../../testing/ports.ts";
import { betPacket, type Tally, unexpected } from "./bets.ts";

/** Connections at a time. More would wait in the servers' queues, and not show what they cost. */
const OPEN_MAX = 256;
const PACE_MS = 10;
/** How long an idle connection stays. */
const IDLE_MS = 1000;
const BETS_OF_BATCH = 20;

/** What became of the connections so far. */
export interface Visits {
  begun: number;
  ended: number;
  /** Answers that no server should give, and connections that no server should end. */
  faults: string[];
}

/** Which connections to make. */
export interface ShortConnectionsOptions {
  addresses: readonly Address[];
  agencies: number;
  count: number;
  /** How long to take for them. */
  seconds: number;
  tally: Tally;
}

/** One connection: its agency, where it goes, and where its outcome is noted. */
interface Visit {
  agency: number;
  address: Address;
  tally: Tally;
}

/** The kinds of connections, each as frequent as the others. */
const KINDS: readonly ((visit: Visit) => Promise<void>)[] = [
  (visit) => store(visit, 1),
  (visit) => store(visit, BETS_OF_BATCH),
  ask,
  (visit) => store(visit, 1),
  leaveBeforeTheAnswer,
  leaveWithinAPacket,
  idle,
  ask,
];

/** Makes connections until there were `count`, as evenly as possible, and waits for all to end. */
export async function makeShortConnections(
  { addresses, agencies, count, seconds, tally }: ShortConnectionsOptions,
  visits: Visits,
): Promise<void> {
  const beginMs = performance.now();
  while (visits.begun < count) {
    const share = Math.min(1, (performance.now() - beginMs) / 1000 / seconds);
    const due = Math.ceil(share * count);
    while (visits.begun < due && visits.begun - visits.ended < OPEN_MAX) {
      const at = visits.begun++;
      const visit = { agency: 1 + at % agencies, address: addresses[at % addresses.length], tally };
      const kind = KINDS[Math.floor(at / agencies) % KINDS.length];
      kind(visit)
        .catch((error: Error) => visits.faults.push(`${kind.name || "store"}: ${error.message}`))
        .finally(() => visits.ended++);
    }
    await pause(PACE_MS);
  }
  while (visits.ended < visits.begun) await pause(PACE_MS);
}

async function store({ agency, address, tally }: Visit, bets: number): Promise<void> {
  using connection = await LineConnection.open(address);
  await tally.store(connection, agency, bets);
}

async function ask({ agency, address }: Visit): Promise<void> {
  using connection = await LineConnection.open(address);
  const answer = await connection.ask(`ProgressRequest:${agency}\n`);
  if (!/^ProgressResponse:\d+$/.test(answer)) throw unexpected(answer);
}

/** The server's answer finds the connection closed, and resets it. */
async function leaveBeforeTheAnswer({ agency, address, tally }: Visit): Promise<void> {
  using connection = await LineConnection.open(address);
  tally.sent(agency, 1);
  await connection.send(betPacket(agency, 1));
}

async function leaveWithinAPacket({ agency, address }: Visit): Promise<void> {
  using connection = await LineConnection.open(address);
  await connection.send(`StoreBet:${agency};Ana;Gil;3012`);
}

async function idle({ address }: Visit): Promise<void> {
  using _connection = await LineConnection.open(address);
  await pause(IDLE_MS);
}
