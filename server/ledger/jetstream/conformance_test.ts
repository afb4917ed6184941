import { parse } from "@std/csv";
import type { BetBatch } from "../../../shared/mod.ts";
import { Random } from "../../../testing/random.ts";
import { type Fate, MemoryCluster, type Transit } from "../../testing/memory_cluster.ts";
import type { MemoryLog } from "../../testing/memory_log.ts";
import { AGENCIES, type LotteryUnderTest, testLedger, WINNING_NUMBER } from "../conformance.ts";
import type { Ledger } from "../ledger.ts";
import { ReplicatedLedger } from "./replicated_ledger.ts";

/** One in this many publishes, and one in this many of their answers, is lost or late on a bad day. */
const TROUBLE_EVERY = 6;
const ATTEMPT_MS = 20;
const PAUSE_MS = 5;
const LATE_MS_MAX = 150;

/** A lottery on a cluster in memory. */
class MemoryLottery implements LotteryUnderTest {
  readonly #cluster = new MemoryCluster({ lateMsMax: LATE_MS_MAX });
  readonly #ledgers: Ledger[] = [];
  readonly #fate: (transit: Transit) => Fate;

  constructor(fate: (transit: Transit) => Fate = () => "arrives") {
    this.#cluster.fate = this.#fate = fate;
  }

  open(
    log: MemoryLog = this.#cluster.connect({ attemptMs: ATTEMPT_MS }),
    deadlineMs?: number,
  ): Promise<Ledger> {
    const options = {
      id: "5e1f0f6e-4c0a-4a8e-9c3b-2f6f0a3a9d11",
      createdAt: "2026-11-23T10:00:00.000Z",
      agencies: AGENCIES,
      winningNumber: WINNING_NUMBER,
      deadlineMs,
      pauseMs: PAUSE_MS,
    };
    const ledger = new ReplicatedLedger(log, options);
    this.#ledgers.push(ledger);
    return Promise.resolve(ledger);
  }

  documents(agency: number): Promise<string[]> {
    const decoder = new TextDecoder();
    const rows = this.#cluster.messages(agency).map(({ rows }) => decoder.decode(rows)).join("");
    return Promise.resolve(parse(rows).map(([, , , document]) => document));
  }

  async appendUnknown(batchFor: (ledger: Ledger) => BetBatch) {
    const ledger = await this.open(this.#cluster.connect({ attemptMs: 50 }), 200);
    this.#cluster.fate = ({ kind }) => kind === "publish answer" ? "lost" : "arrives";
    const result = await ledger.append(batchFor(ledger));
    this.#cluster.fate = this.#fate;
    return { ledger, result };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const ledger of this.#ledgers) await ledger[Symbol.asyncDispose]();
    this.#cluster[Symbol.dispose]();
  }
}

testLedger({
  name: "ledger on a replicated log in memory",
  start: () => Promise.resolve(new MemoryLottery()),
});

testLedger({
  name: "ledger on a replicated log in memory that loses and delays appends and their answers",
  start: () => {
    const random = new Random(1);
    const fate = ({ kind }: Transit) => {
      const isTroubled = kind.startsWith("publish") && random.once(TROUBLE_EVERY);
      return isTroubled ? random.pick(["lost", "late"] as const) : "arrives";
    };
    return Promise.resolve(new MemoryLottery(fate));
  },
});
