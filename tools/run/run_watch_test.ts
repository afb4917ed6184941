import { assertEquals } from "@std/assert";
import { type RunOutcome, RunWatch } from "./run_watch.ts";

/** Returns the outcome, if there is one yet. */
async function settled(watch: RunWatch): Promise<RunOutcome | undefined> {
  return await Promise.race([watch.outcome, Promise.resolve(undefined)]);
}

Deno.test("RunWatch follows the log lines and exit codes of the services", async () => {
  const watch = new RunWatch({ servers: ["server1"], clients: ["client1", "client2"] });
  watch.line("client1", "action: agency_close | result: success | agency: 1");
  watch.line("client2", "action: agency_close | result: fail | agency: 2");
  watch.line("server1", "action: agency_close | result: success | agency: 2");
  watch.end("client1", 0);
  watch.end("server1", 137);
  watch.end("server1", 1);
  watch.down("server1");
  assertEquals(await settled(watch), undefined);
  watch.end("client2", 4);
  assertEquals(await settled(watch), "ended");
  assertEquals(watch.servers, [{ name: "server1", exitCodes: [137, 1], isDown: true }]);
  assertEquals(watch.clients, [
    { agency: 1, closed: true, exitCode: 0 },
    { agency: 2, closed: false, exitCode: 4 },
  ]);
});

Deno.test("RunWatch keeps the reasons that only servers know", () => {
  const watch = new RunWatch({ servers: ["server1"], clients: ["client1", "client2"] });
  const [full, failed] = ["No space left on device (os error 28)", "fdatasync: I/O error"];
  const refused = "action: apuestas_almacenadas | result: fail | ip: 1.2.3.4 | agency: 2";
  watch.line("server1", `${refused} | cantidad: 100 | error: ${full}`);
  watch.line("client2", `${refused} | cantidad: 100 | error: of a client`);
  watch.line("server1", "action: apuestas_almacenadas | result: success | agency: 2");
  watch.line("server1", `action: agency_close | result: fail | agency: 1 | error: ${full}`);
  watch.line("server1", `action: ledger | result: fail | error: ${failed}`);
  assertEquals(watch.clients.map(({ refusal }) => refusal), [full, full]);
  assertEquals(watch.servers[0].error, failed);
});

Deno.test("RunWatch finds clients stuck when one ended without closing and the others have closed", async () => {
  const watch = new RunWatch({ servers: [], clients: ["client1", "client2", "client3"] });
  watch.line("client1", "action: agency_close | result: success | agency: 1");
  watch.end("client2", 3);
  assertEquals(await settled(watch), undefined);
  watch.line("client3", "action: agency_close | result: success | agency: 3");
  assertEquals(await settled(watch), "stuck");
});
