import { assertEquals, assertThrows } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { needs } from "../../testing/needs.ts";
import { TaskError } from "../project.ts";
import { boardProcess, planBoard, RunBoard } from "./board.ts";
import type { ServiceOptions } from "./cluster.ts";

const CHOICES = { port: 8080, language: "es", documents: "full" };
const LISTENS = "2026-11-27 10:00:00 INFO     action: listen | result: success | port: 8080";

Deno.test(needs(["net"], "planBoard() takes the wanted port, or the next free one"), () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const plan = planBoard({ ...CHOICES, port }, [10, 20]);
  assertEquals(plan.port > port, true);
  assertEquals(plan.env, {
    BOARD_LANGUAGE: "es",
    BOARD_DOCUMENTS: "full",
    BOARD_BETS_EXPECTED: "10,20",
  });
  // There is no port after the last one.
  using _last = Deno.listen({ hostname: "127.0.0.1", port: 65_535 });
  assertThrows(() => planBoard({ ...CHOICES, port: 65_535 }, []), TaskError, "--no-board");
});

Deno.test("boardProcess() lets the board reach the servers' status and read its files alone", () => {
  const servers = [{ name: "server1", hostname: "127.0.0.1", port: 20_001 }];
  const { program, env } = boardProcess({ port: 8081, env: {} }, servers);
  assertEquals(program.slice(1, 3), [
    "--allow-net=127.0.0.1:8081,127.0.0.1:20001",
    "--allow-env=BOARD_*,LOG_FORMAT",
  ]);
  assertEquals(program.some((flag) => /^(-A|--allow-(all|write|run|sys))/.test(flag)), false);
  assertEquals(env.BOARD_SERVERS, "server1=127.0.0.1:20001");
  assertEquals(env.BOARD_PORT, "8081");
});

/** A board whose process a test plays. */
function setUp() {
  const said: string[] = [];
  let starts = 0;
  let stops = 0;
  const stop = () => Promise.resolve(void stops++);
  const board = new RunBoard({
    plan: { port: 8080, env: {} },
    cluster: { startBoard: () => (starts++, { stop }) },
    say: (line) => said.push(line),
  });
  const start = () => board.start({} as ServiceOptions, []);
  return { board, said, start, counts: () => [starts, stops] };
}

Deno.test("RunBoard starts the board once, says where it is, and stops it at the end", async () => {
  const { board, said, start, counts } = setUp();
  {
    await using _board = board;
    const started = start();
    board.line("another line");
    board.line(LISTENS);
    await started;
    await start();
    assertEquals(said, ["The board shows the lottery at http://localhost:8080"]);
    // Nobody sits at a terminal here.
    const { signal } = new AbortController();
    board.sayStaying(signal);
    await board.untilClosed(signal);
    assertEquals(counts(), [1, 0]);
  }
  assertEquals(counts(), [1, 1]);
});

Deno.test("RunBoard lets a run go on without a board that ends, or does not open its page", async () => {
  const { board, said, start } = setUp();
  const started = start();
  board.end(1);
  await started;
  assertEquals(said, ["The board has ended with exit code 1"]);
  using time = new FakeTime();
  const slow = setUp();
  const late = slow.start();
  await time.tickAsync(60_000);
  await late;
  assertEquals(slow.said, []);
});
