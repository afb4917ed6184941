import { parse } from "@std/csv";
import type { BetBatch } from "../../../shared/mod.ts";
import { MemoryCluster } from "../../testing/memory_cluster.ts";
import type { MemoryLog } from "../../testing/memory_log.ts";
import { AGENCIES, type LotteryUnderTest, testLedger, WINNING_NUMBER } from "../conformance.ts";
import type { Ledger } from "../ledger.ts";
import { ReplicatedLedger } from "./replicated_ledger.ts";

/** A lottery on a cluster in memory. */
class MemoryLottery implements LotteryUnderTest {
  readonly #cluster = new MemoryCluster();
  readonly #ledgers: Ledger[] = [];

  open(log: MemoryLog = this.#cluster.connect(), deadlineMs?: number): Promise<Ledger> {
    const options = { agencies: AGENCIES, winningNumber: WINNING_NUMBER, deadlineMs };
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
    this.#cluster.fate = () => "arrives";
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
