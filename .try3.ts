import { openJetStreamLedger } from "./server/ledger/jetstream/engine.ts";
import { openLog, SERVER_LEVELS } from "./shared/logging.ts";
const log = openLog({ levels: SERVER_LEVELS, level: "INFO", sink: (l) => console.log(l) });
const settings = {
  nodes: Deno.args,
  isTls: false,
  name: "x",
  partitions: 4,
  replicas: 1,
  user: "",
  password: "",
  nkeyFile: "",
  credentialsFile: "",
  tls: { caFile: "", certFile: "", keyFile: "", isFirst: false },
};
await openJetStreamLedger({ settings, draw: { agencies: 3, winningNumber: 7574 }, log });
