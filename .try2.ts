import { openLog, SERVER_LEVELS } from "./shared/logging.ts";
import { BetDecoder } from "./shared/mod.ts";
const [name, agenciesText, secondsText, mode] = Deno.args;
const agencies = Number(agenciesText), seconds = Number(secondsText);
const log = openLog({ levels: SERVER_LEVELS, level: "INFO", sink: (l) => console.log(l) });
const settings = {
  nodes: ["127.0.0.1:14221", "127.0.0.1:14222", "127.0.0.1:14223"],
  isTls: false,
  name,
  partitions: 4,
  replicas: 3,
  user: "",
  password: "",
  nkeyFile: "",
  credentialsFile: "",
  tls: { caFile: "", certFile: "", keyFile: "", isFirst: false },
};
const RL = (await import("./server/ledger/jetstream/replicated_ledger.ts")).ReplicatedLedger;
const ONL = (await import("./server/ledger/jetstream/nats_log.ts")).openNatsLog;
const nl = await ONL({ settings, draw: { agencies, winningNumber: 7574 }, log });
if (mode === "nofollow" || mode === "raw") nl.follow = () => ({ async [Symbol.asyncDispose]() {} });
const t00 = performance.now();
const op = nl.publish.bind(nl);
nl.publish = async (a, m, e) => {
  const t = performance.now();
  const r = await op(a, m, e);
  const ms = performance.now() - t;
  if (r.status !== "stored" && a <= 4) {
    console.log((t - t00).toFixed(0), a, m.kind, ms.toFixed(0), r.status, (r as any).reason ?? "");
  } else if (ms > 500 && a <= 4) console.log((t - t00).toFixed(0), a, "slow stored", ms.toFixed(0));
  return r;
};
const l = new RL(nl, { agencies, winningNumber: 7574 }); //StreamLedger({ settings, draw: { agencies, winningNumber: 7574 }, log });
l.failed.then((e) => console.log("FAILED", e.message));
const d = new BetDecoder("rows");
const batch = (a: number, n: number) =>
  d.decode(
    "StoreBatch",
    new TextEncoder().encode(
      `StoreBatch:${a};` +
        Array.from(
          { length: n },
          (_, i) => `Santiago Lionel;Lorca;3090${i}465;1999-03-17;${i % 1000}`,
        ).join(":"),
    ),
    { agencies, today: 20261123 },
  );
const end = performance.now() + 1000 * seconds;
const lat: number[] = [];
let unknown = 0, refused = 0;
let raw: any;
if (mode === "raw") {
  const { connect } = await import("@nats-io/transport-node");
  raw = await connect({ servers: settings.nodes, noAsyncTraces: true });
  const { jetstreamManager } = await import("@nats-io/jetstream");
  const jsm = await jetstreamManager(raw);
  for (let p = 0; p < 4; p++) {
    await jsm.streams.add({ name: `RAW_${p}`, subjects: [`raw.${p}.*`], num_replicas: 3 }).catch((
      e,
    ) => console.log(e.message));
  }
}
await Promise.all(Array.from({ length: agencies }, async (_, i) => {
  const a = i + 1;
  let bets = 0;
  const p = await l.progress(a);
  if (p.status === "known") bets = p.bets;
  while (performance.now() < end) {
    const b = batch(a, 100);
    const t = performance.now();
    if (raw) {
      await raw.request(`raw.${a % 4}.${a}`, b.bytes, { timeout: 5000 });
      lat.push(performance.now() - t);
      continue;
    }
    const r = await l.append(b, bets);
    const ms = performance.now() - t;
    lat.push(ms);
    if (ms > 1500) console.log("slow", a, r.status, Math.round(ms), Math.round(performance.now()));
    if (r.status === "stored") bets += 100;
    else {
      if (r.status === "unknown") unknown++;
      else {
        refused++;
        console.log(r.reason);
      }
      for (;;) {
        const t2 = performance.now();
        const p = await l.progress(a);
        if (p.status === "known") {
          if (p.bets !== bets && p.bets !== bets + 100) {
            console.log("LOST/DOUBLED", a, bets, p.bets);
          }
          bets = p.bets;
          break;
        }
        console.log("progress unknown", Math.round(performance.now() - t2));
      }
    }
  }
}));
lat.sort((x, y) => x - y);
const m = Deno.memoryUsage();
console.log({
  mode,
  agencies,
  batches: lat.length,
  perSecond: Math.round(lat.length / seconds),
  p50: lat[lat.length >> 1]?.toFixed(1),
  p99: lat[Math.floor(lat.length * .99)]?.toFixed(1),
  max: lat.at(-1)?.toFixed(0),
  unknown,
  refused,
  rss: m.rss >> 20,
});
await raw?.close();
await l[Symbol.asyncDispose]();
