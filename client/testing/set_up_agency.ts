/**
 * An agency with fake servers, for the client's tests.
 *
 * @module
 */

import { Agency, type AgencyBets } from "../agency.ts";
import type { Dialer } from "../dialer.ts";
import { Servers } from "../servers.ts";
import { blocksOf } from "./bet_blocks.ts";
import type { FakeLottery } from "./fake_lottery.ts";
import { FakeNetwork, type FakeNetworkOptions, type Handler } from "./fake_network.ts";
import { hashInPlace } from "./hash_in_place.ts";
import { testLog } from "./test_log.ts";

/** Ten bets, as packets carry them. */
export const BETS = Array.from(
  { length: 10 },
  (_, index) => `Ana;Gil;${index};1999-01-31;${index}`,
);
/** Limits that make four batches of {@linkcode BETS}. */
export const LIMITS = { betsMax: 3, bytesMax: 8192 };
/** How long the agencies wait for winners before they ask again. */
export const WINNERS_TIMEOUT_MS = 60_000;

/** Returns bets for an agency to send, in blocks of four. */
export function agencyBets(all = BETS): AgencyBets {
  return { name: "bets.csv", total: all.length, ...blocksOf(all, 4) };
}

/** Options of {@linkcode setUpAgency}. */
interface SetUpOptions extends Partial<FakeNetworkOptions> {
  /** Replaces the network. */
  dialer?: Dialer;
  /** @default {1} */
  id?: number;
  /** @default {false} */
  legacyServer?: boolean;
}

/** Returns an agency with fake servers. Pauses between attempts take no time, but advance the clock. */
export function setUpAgency(
  lottery: FakeLottery,
  { dialer, id = 1, legacyServer, ...options }: SetUpOptions = {},
) {
  const network = new FakeNetwork({ accept: lottery.accept, ...options });
  const { log, lines } = testLog();
  const pauses: number[] = [];
  let nowMs = 0;
  const advance = (timeMs: number) => void (nowMs += timeMs);
  const servers = new Servers({
    host: "server",
    port: 12345,
    answerTimeoutMs: 10_000,
    retryMs: 60_000,
    log,
    dialer: dialer ?? network,
    random: () => 0.5,
    now: () => nowMs,
    sleep: (timeMs) => {
      pauses.push(timeMs);
      return Promise.resolve(advance(timeMs));
    },
  });
  const agency = new Agency({
    agency: id,
    servers,
    log,
    winnersTimeoutMs: WINNERS_TIMEOUT_MS,
    sha256: hashInPlace,
    legacyServer,
  });
  return { agency, servers, network, lines, pauses, advance };
}

/** Intercepts the `nth` packet of a type, counted from 1. */
export function onNth(
  type: string,
  nth: number,
  intercept: FakeLottery["intercept"],
): FakeLottery["intercept"] {
  let count = 0;
  return (packet) => packet.startsWith(type) && ++count === nth ? intercept(packet) : undefined;
}

/**
 * Serves a lottery as a legacy server does: it closes the connection on a ProgressRequest, and answers one
 * packet per connection.
 */
export function acceptAsLegacy(lottery: FakeLottery): () => Handler {
  return () => {
    const handle = lottery.accept();
    let packets = 0;
    return (packet) => {
      if (packet.startsWith("ProgressRequest")) return "close";
      return ++packets === 1 ? handle(packet) : "reset";
    };
  };
}
