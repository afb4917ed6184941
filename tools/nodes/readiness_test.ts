import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { TaskError } from "../project.ts";
import { isAnyRunning, untilReady } from "./readiness.ts";

const NEVER = new AbortController().signal;

/** Runs a monitoring port that gives these answers to health checks, the last one for ever. */
function monitoring(answers: { status: string; error?: string }[], tags?: string[]) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    if (new URL(request.url).pathname === "/varz") {
      return Response.json({ server_name: "node1", jetstream: {}, tags });
    }
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    return Response.json(answer, { status: answer?.status === "ok" ? 200 : 503 });
  });
  const address = `127.0.0.1:${server.addr.port}`;
  return { address, [Symbol.asyncDispose]: () => server.shutdown() };
}

Deno.test("untilReady() waits until every node is healthy", async () => {
  const sick = { status: "unavailable", error: "no meta leader" };
  await using one = monitoring([{ status: "ok" }]);
  await using two = monitoring([sick, sick, { status: "ok" }]);
  await untilReady(new Map([["node1", one.address], ["node2", two.address]]), { stop: NEVER });
});

Deno.test("untilReady() says what each node is waiting for when it gives up, and stops when asked", async () => {
  await using one = monitoring([{ status: "ok" }]);
  await using two = monitoring([{ status: "unavailable", error: "no meta leader" }]);
  const nodes = new Map([["node1", one.address], ["node2", two.address], ["node3", "127.0.0.1:1"]]);
  const error = await assertRejects(
    () => untilReady(nodes, { stop: NEVER, timeoutMs: 0 }),
    TaskError,
  );
  assertStringIncludes(error.message, "node2: no meta leader; node3: nothing listens there");
  await untilReady(nodes, { stop: AbortSignal.abort(), timeoutMs: 0 });
});

Deno.test("isAnyRunning() knows the nodes of a checkout by their tag, and refuses those of others", async () => {
  await using ours = monitoring([], ["ours"]);
  await using others = monitoring([]);
  assertEquals(await isAnyRunning(new Map([["node1", "127.0.0.1:1"]]), "ours"), false);
  const nodes = new Map([["node1", "127.0.0.1:1"], ["node2", ours.address]]);
  assertEquals(await isAnyRunning(nodes, "ours"), true);
  nodes.set("node3", others.address);
  await assertRejects(() => isAnyRunning(nodes, "ours"), TaskError, "not of this checkout, node1");
});
