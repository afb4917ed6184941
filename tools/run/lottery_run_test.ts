import { assertEquals } from "@std/assert";
import { type LotteryRun, runServices } from "./lottery_run.ts";
import type { RunLedger } from "./run_ledger.ts";

/** A display, a lock: whatever is called, nothing happens. */
function silent<Kind>(): Kind {
  return new Proxy({}, { get: () => () => {} }) as Kind;
}

Deno.test("runServices() lets the record of a draw be written while its servers and the board run", async () => {
  const steps: string[] = [];
  const certified = Promise.withResolvers<void>();
  const ledger: Partial<RunLedger> = {
    prepare: () => Promise.resolve(),
    certify: () => {
      steps.push("record");
      certified.resolve();
      return Promise.reject(new Error("reading tries again"));
    },
    read: () => {
      steps.push("reading");
      return Promise.resolve({ closed: new Set<number>(), tallies: new Map() });
    },
  };
  const cluster: Partial<LotteryRun["cluster"]> = {
    run: async ({ onLine }) => {
      onLine("server1", "action: agency_close | result: success | agency: 1");
      onLine("server1", "action: sorteo | result: success | numero_ganador: 7574");
      await certified.promise;
      steps.push("end of the servers");
    },
  };
  const run = {
    ...{ cluster, ledger, display: silent(), lock: silent() },
    settings: { lottery: { servers: 1, clients: 1, ledger: { kind: "files" } } },
    stop: new AbortController().signal,
  };
  await runServices(run as unknown as LotteryRun);
  assertEquals(steps, ["record", "end of the servers", "reading"]);
});
