import { assertEquals } from "@std/assert";
import { type RunOutcome, RunWatch } from "./run_watch.ts";

/** Returns the outcome, if there is one yet. */
async function settled(watch: RunWatch): Promise<RunOutcome | undefined> {
  return await Promise.race([watch.outcome, Promise.resolve(undefined)]);
}

Deno.test("RunWatch reads the log lines of the clients", async () => {
  const watch = new RunWatch({ servers: ["server1"], clients: ["client1", "client2"] });
  watch.line("client1", "action: apuestas_enviadas | result: success | agency: 1 | cantidad: 12");
  watch.line("client1", "action: agency_close | result: success | agency: 1");
  watch.line(
    "client1",
    "action: consulta_ganadores | result: success | agency: 1 | cant_ganadores: 2 | documentos: 1;2",
  );
  watch.line("client2", "action: apuestas_enviadas | result: fail | agency: 2");
  watch.line("client2", "action: run | result: fail | agency: 2 | error: refused: why");
  watch.line("server1", "action: agency_close | result: success | agency: 2");
  watch.end("client1", 0);
  watch.end("server1", 1);
  assertEquals(await settled(watch), undefined);
  watch.end("client2", 4);
  assertEquals(await settled(watch), "ended");
  assertEquals(watch.servers, new Map([["server1", 1]]));
  assertEquals(watch.clients, [
    { agency: 1, sent: 12, closed: true, documents: ["1", "2"], exitCode: 0 },
    { agency: 2, closed: false, exitCode: 4, error: "refused: why" },
  ]);
});

Deno.test("RunWatch finds clients stuck when one ended without closing and the others have closed", async () => {
  const watch = new RunWatch({ servers: [], clients: ["client1", "client2", "client3"] });
  watch.line("client1", "action: agency_close | result: success | agency: 1");
  watch.end("client2", 3);
  assertEquals(await settled(watch), undefined);
  watch.line("client3", "action: agency_close | result: success | agency: 3");
  assertEquals(await settled(watch), "stuck");
});
