/**
 * A whole lottery of as many agencies as there may be, on many servers and three nodes: every agency connects,
 * stores its bets, closes, and stays connected until it knows its winners.
 *
 * @module
 */

import { Turns } from "../server/ledger/jetstream/turns.ts";
import { LineConnection } from "../testing/line_connection.ts";
import { WINNING_NUMBER } from "../testing/lottery_environment.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import type { NatsServer } from "../tools/nodes/nats_server.ts";
import { LOOPBACK } from "../tools/run/loopback.ts";
import type { Context } from "./context.ts";
import { countWinners } from "./draw.ts";
import { startCluster } from "./ledger_cluster.ts";
import { madeBets } from "./made_bets.ts";
import { peakBytesOf, startLottery } from "./systems.ts";

/** How long clients wait for an answer by default; the draw waits for the slowest agency. */
const ANSWER_MS = 10_000;
const WINNERS_MS = 300_000;
/** How many agencies connect at a time. */
const CONNECTING_MAX = 500;
/** Pause before an agency connects again. */
const PAUSE_MS = 100;
/** All connections come from this machine, and most of them wait for most of the time. */
const ROOM = {
  SERVER_MAX_CONNECTIONS: "2000",
  SERVER_MAX_CONNECTIONS_PER_ADDRESS: "2000",
  SERVER_IDLE_SECONDS: "600",
};

/** How many agencies bet on how many servers. */
export interface CrowdCase {
  nats: NatsServer;
  agencies: number;
  servers: number;
  /** Batches of each agency, and bets in a batch. */
  batches: number;
  bets: number;
  /** How many agencies send at a time. */
  atOnce: number;
}

/** The figures of a crowd. One run. */
export interface CrowdFigures extends Omit<CrowdCase, "nats"> {
  nats: string;
  /** From the start of the first server until all listen. */
  startSeconds: number;
  /** From the first batch to the last answer to one. */
  storeSeconds: number;
  /** Batches a second. */
  batchesPerSecond: number;
  /** Longest wait for the answer to a batch that was sent. */
  answerMaxMs: number;
  /** How many sessions have ended without an answer. */
  unanswered: number;
  /** From the last answer to a batch to the last WinnersResponse. */
  drawSeconds: number;
  /** Peak memory of the largest server and of the largest node; undefined where it is unknown. */
  serverPeakBytes?: number;
  nodePeakBytes?: number;
}

/** A server has answered what it must not. */
class WrongAnswerError extends Error {}

/** An agency that connects again when a session ends without an answer. */
class CrowdAgency implements Disposable {
  unanswered = 0;
  answerMaxMs = 0;
  readonly #agency: number;
  readonly #port: number;
  #connection: LineConnection | undefined;

  constructor(agency: number, port: number) {
    this.#agency = agency;
    this.#port = port;
  }

  async connect(): Promise<void> {
    this.#connection = await LineConnection.open({ hostname: LOOPBACK, port: this.#port });
  }

  /** Stores batches, and asks for its progress where it has no answer. */
  async store({ fields }: CrowdBatch, { bets, batches }: CrowdCase): Promise<void> {
    let stored = 0;
    await this.#persist(async (isAgain) => {
      if (isAgain) stored = await this.#progress() / bets;
      for (; stored < batches; stored++) {
        await this.#connection!.send(`StoreBatch:${this.#agency};${fields}\n`);
        // All agencies share one thread here, in which the packets of others are sent as well.
        const beginMs = performance.now();
        const answer = await this.#connection!.line(ANSWER_MS);
        this.answerMaxMs = Math.max(this.answerMaxMs, performance.now() - beginMs);
        if (answer !== "StoreResponse:0") throw new WrongAnswerError(answer);
      }
    });
  }

  /** Closes. AgencyClose has no answer, but the next packet has. */
  async close(): Promise<void> {
    await this.#persist(async () => {
      await this.#connection!.send(`AgencyClose:${this.#agency}\n`);
      await this.#progress();
    });
  }

  /** Waits for the draw. Returns the number of its winners. */
  learnWinners(): Promise<number> {
    return this.#persist(async () =>
      countWinners(await this.#ask(`WinnersRequest:${this.#agency}\n`, WINNERS_MS))
    );
  }

  [Symbol.dispose](): void {
    this.#connection?.close();
  }

  async #progress(): Promise<number> {
    const answer = await this.#ask(`ProgressRequest:${this.#agency}\n`);
    return Number(answer.slice("ProgressResponse:".length));
  }

  #ask(packet: string, timeoutMs = ANSWER_MS): Promise<string> {
    return this.#connection!.ask(packet, timeoutMs);
  }

  /** Repeats work on another connection until it succeeds. */
  async #persist<Result>(work: (isAgain: boolean) => Promise<Result>): Promise<Result> {
    for (let isAgain = false;; isAgain = true) {
      try {
        if (isAgain) await this.connect();
        return await work(isAgain);
      } catch (error) {
        if (error instanceof WrongAnswerError) throw error;
        this.unanswered++;
        this.#connection?.close();
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
  }
}

/** Measures one case. Fails unless every winner is announced to its agency. */
export async function measureCrowd(
  { folder: parent }: Context,
  crowd: CrowdCase,
): Promise<CrowdFigures> {
  const { nats, agencies, servers, batches, atOnce } = crowd;
  await using folder = tempFolder(parent);
  await using cluster = await startCluster(folder.path, nats.path);
  const startMs = performance.now();
  await using system = await startLottery({
    servers,
    agencies,
    volume: folder.path,
    cluster,
    env: ROOM,
  });
  using stack = new DisposableStack();
  const all = Array.from({ length: agencies }, (_, index) => {
    return stack.use(new CrowdAgency(index + 1, system.ports[index % servers]));
  });
  const listenMs = performance.now();
  await eachOf(all, CONNECTING_MAX, (agency) => agency.connect());
  const storeMs = performance.now();
  const batch = batchOf(crowd);
  await eachOf(all, atOnce, (agency) => agency.store(batch, crowd));
  const drawMs = performance.now();
  await eachOf(all, atOnce, (agency) => agency.close());
  const winners = await Promise.all(all.map((agency) => agency.learnWinners()));
  const endMs = performance.now();
  const expected = batch.winners * agencies * batches;
  const announced = winners.reduce((sum, count) => sum + count, 0);
  if (announced !== expected) {
    throw new Error(`Cannot measure: ${announced} winners, not ${expected}`);
  }
  return {
    ...crowd,
    nats: nats.version,
    startSeconds: (listenMs - startMs) / 1000,
    storeSeconds: (drawMs - storeMs) / 1000,
    batchesPerSecond: agencies * batches / (drawMs - storeMs) * 1000,
    answerMaxMs: Math.max(...all.map(({ answerMaxMs }) => answerMaxMs)),
    unanswered: all.reduce((sum, { unanswered }) => sum + unanswered, 0),
    drawSeconds: (endMs - drawMs) / 1000,
    serverPeakBytes: peakBytesOf(system.processes),
    nodePeakBytes: peakBytesOf(cluster.nodes.map(({ process }) => process!)),
  };
}

/** Does something for each item, for a limited number of them at a time. */
async function eachOf<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const turns = new Turns(atOnce);
  await Promise.all(items.map((item) => turns.run(() => work(item))));
}

/** A batch, and how many of its bets win. */
interface CrowdBatch {
  fields: string;
  winners: number;
}

/** The batch that every agency sends: one of its bets wins. */
function batchOf({ bets }: Pick<CrowdCase, "bets">): CrowdBatch {
  const made = madeBets(bets);
  made[0][4] = String(WINNING_NUMBER);
  const winners = made.filter(([, , , , number]) => number === String(WINNING_NUMBER)).length;
  return { fields: made.map((fields) => fields.join(";")).join(":"), winners };
}
