import { assertEquals, assertMatch } from "@std/assert";
import {
  AGENCIES,
  askApi,
  NATS,
  openOn,
  settingsFor,
} from "../../server/ledger/jetstream/testing/nodes.ts";
import { batchOf } from "../../server/testing/ledgers.ts";
import { NatsCluster } from "../../testing/nats_cluster.ts";
import { needs } from "../../testing/needs.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import { openStreams } from "../streams/stream_ledger.ts";
import { listDraw, writeCertificate } from "./draws.ts";
import { streamDraws } from "./stream_draws.ts";

const EVA = 'StoreBatch:2;Eva, "E";Paz;a;1980-01-01;7574:Ana;Paz;b;1980-01-01;1';

Deno.test({
  ...needs(
    NATS,
    "a draw on JetStream gets a certificate, and verify finds a message that is missing",
  ),
  async fn() {
    await using cluster = await NatsCluster.start({ nodes: 1 });
    await using folder = tempFolder();
    const ledger = await openOn(cluster);
    for (const batch of [EVA, "StoreBatch:3;Ana;Paz;c;1980-01-01;7574"]) {
      assertEquals((await ledger.append(batchOf(batch))).status, "stored");
    }
    await using streams = await openStreams(settingsFor(cluster, {}));
    const list = async () => {
      const [source] = await streamDraws(streams, folder.path);
      return { source, ...await listDraw(source, { volume: folder.path, verifies: true }) };
    };
    assertEquals((await list()).state, "not drawn");
    const begin = Date.now();
    for (let agency = 1; agency <= AGENCIES; agency++) await ledger.close(agency);
    const { source, state } = await list();
    assertEquals(state, "no certificate");
    assertEquals(await writeCertificate(source, { volume: folder.path }), true);
    const { id } = ledger.identity;
    const path = `${folder.path}/draws/${id}/result.json`;
    const certificate = JSON.parse(await Deno.readTextFile(path));
    const digests = await Promise.all([1, 2, 3].map((agency) => ledger.digest(agency)));
    assertEquals(
      certificate.agencies.map(({ bets, sha256 }: { bets: number; sha256: string }) => {
        return { status: "known", bets, sha256 };
      }),
      digests,
    );
    assertEquals(certificate.agencies[1].winners, [{ document: "a", position: 1 }]);
    assertEquals([certificate.ledger, certificate.files], ["jetstream", []]);
    const tookMs = Date.parse(certificate.drawnAt) - begin;
    assertEquals(tookMs >= -1 && tookMs < 60_000, true, certificate.drawnAt);
    const { bets, winners, ...verified } = await list();
    assertEquals([verified.state, bets, winners, verified.id], ["VERIFIED", 3, 2, id]);
    await ledger[Symbol.asyncDispose]();
    // That of agency 2 loses all messages but the last one.
    const stream = `LOTTERY_${id.slice(0, 8)}_0`;
    const { config } = await askApi(cluster, `STREAM.INFO.${stream}`);
    await askApi(cluster, `STREAM.UPDATE.${stream}`, { ...config, max_msgs: 1, discard: "old" });
    const damaged = await list();
    assertEquals(damaged.state, "DIFFERENT");
    assertMatch(damaged.difference!, /^stream LOTTERY_\w+_0, message 1: /);
  },
});
