import { parse } from "@std/csv";
import { NatsCluster } from "../../../testing/nats_cluster.ts";
import { needs } from "../../../testing/needs.ts";
import { readDraw } from "../../../testing/stream_reader.ts";
import type { BetBatch } from "../../../shared/mod.ts";
import { AGENCIES, type LotteryUnderTest, testLedger, WINNING_NUMBER } from "../conformance.ts";
import type { Ledger } from "../ledger.ts";
import { NATS, openOn } from "./testing/nodes.ts";

/** One cluster serves all tests: each has a lottery of its own there. */
let cluster: NatsCluster;
let lotteries = 0;

/** A lottery on the cluster. */
class NatsLottery implements LotteryUnderTest {
  readonly #name = `lottery-${++lotteries}`;
  readonly #ledgers: Ledger[] = [];

  async open(): Promise<Ledger> {
    const draw = { agencies: AGENCIES, winningNumber: WINNING_NUMBER };
    const ledger = await openOn(cluster, { name: this.#name, ...draw });
    this.#ledgers.push(ledger);
    return ledger;
  }

  async documents(agency: number): Promise<string[]> {
    const draw = await readDraw({ address: cluster.nodes[0].address, name: this.#name });
    const messages = [...draw?.streams.values() ?? []].flat().filter(({ subject }) =>
      subject.endsWith(`.${agency}`)
    );
    const rows = messages.map(({ body }) => new TextDecoder().decode(body)).join("");
    return parse(rows).map(([, , , document]) => document);
  }

  async appendUnknown(batchFor: (ledger: Ledger) => BetBatch) {
    const ledger = await this.open();
    // Its streams exist, so pausing all nodes leaves nobody to answer.
    const batch = batchFor(ledger);
    for (const node of cluster.nodes) node.pause();
    const result = await ledger.append(batch);
    for (const node of cluster.nodes) node.resume();
    for (const stream of await this.#streams()) await cluster.leader(stream);
    return { ledger, result };
  }

  async #streams(): Promise<string[]> {
    const prefix = `${this.#name.toUpperCase()}_`;
    return (await cluster.streamNames()).filter((stream) => stream.startsWith(prefix));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const ledger of this.#ledgers) await ledger[Symbol.asyncDispose]();
  }
}

const { ignore } = needs(NATS, "");

Deno.test.beforeAll(async () => {
  if (!ignore) cluster = await NatsCluster.start();
});

Deno.test.afterAll(async () => {
  if (!ignore) await cluster[Symbol.asyncDispose]();
});

testLedger({
  name: "ledger on JetStream",
  // The nodes of the cluster, which all tests share, log whenever they like.
  define: (name) => ({ ...needs(NATS, name), sanitizeOps: false, sanitizeResources: false }),
  start: () => Promise.resolve(new NatsLottery()),
});
