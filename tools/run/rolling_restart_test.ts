import { assertEquals } from "@std/assert";
import { needs } from "../../testing/needs.ts";
import { restartInTurn } from "./rolling_restart.ts";

/** A server whose status is not ready until it has been asked a few times after its restart. */
function startServer(name: string, history: string[]) {
  let asked = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    asked++;
    const ready = asked > 3;
    if (ready) history.push(`${name} is ready`);
    return Response.json({ version: 1, server: { ready, reason: ready ? null : "it reads" } });
  });
  return {
    name,
    hostname: "127.0.0.1",
    port: server.addr.port,
    restart: () => {
      asked = 0;
      history.push(`${name} restarts`);
      return Promise.resolve(true);
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test({
  ...needs(["net"], "restartInTurn() restarts a server only when the one before it is ready"),
  fn: async () => {
    const history: string[] = [];
    await using one = startServer("server1", history);
    await using two = startServer("server2", history);
    const said: string[] = [];
    const failed = { ...one, name: "server3", restart: () => Promise.resolve(false) };
    await restartInTurn([one, failed, two], (_, text) => said.push(text.split(",")[0]));
    assertEquals(history, [
      "server1 restarts",
      "server1 is ready",
      "server2 restarts",
      "server2 is ready",
    ]);
    assertEquals(said, [
      "server1 was restarted",
      "server3 is left alone: it has failed",
      "server2 was restarted",
    ]);
  },
});
