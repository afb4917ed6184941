import { assertEquals } from "@std/assert";
import { ServerMarks } from "./server_marks.ts";
import type { DrawOutcome, Happening } from "./state.ts";
import { silent, viewOf } from "./testing.ts";
import { EVENTS_MAX, Timeline } from "./timeline.ts";

/** A time line, and what happens at each look. */
function setUp() {
  const marks = new ServerMarks();
  const timeline = new Timeline();
  const take = (parts: Parameters<typeof viewOf>[0], outcome?: DrawOutcome): Happening[] => {
    const before = timeline.lastId;
    const view = viewOf(parts);
    timeline.take({ ...view, servers: marks.mark(view) }, outcome);
    return timeline.after(before).map(({ id: _id, at: _at, ...happening }) =>
      happening as Happening
    );
  };
  return { timeline, take };
}

Deno.test("Timeline tells the story of a lottery", () => {
  const { take } = setUp();
  const [server1, server2] = [{ name: "server1" }, { name: "server2" }];
  const both = [server1, server2];
  assertEquals(take({ servers: [silent("server1", 0), silent("server2", 0)] }), []);
  assertEquals(take({ bets: [0, 0, 0], servers: both }), [
    { kind: "up", servers: ["server1", "server2"] },
    { kind: "found", agencies: 3, closed: 0, bets: 0 },
  ]);
  assertEquals(take({ bets: [5, 1, 0], servers: both }), []);
  assertEquals(take({ bets: [-5, -1, 0], servers: both }), [{ kind: "closed", agencies: [1, 2] }]);
  assertEquals(
    take({ atMs: 1000, bets: [-5, -1, 0], servers: [server1, silent("server2", 1000)] }),
    [
      { kind: "dead", servers: ["server2"] },
    ],
  );
  assertEquals(take({ atMs: 3500, bets: [-5, -1, 0], servers: both }), [
    { kind: "back", server: "server2", seconds: 2.5 },
  ]);
  const unready = { ...server2, ready: false, reason: "the disk is full" };
  assertEquals(take({ bets: [-5, -1, 0], servers: [server1, unready] }), [
    { kind: "unready", server: "server2", reason: "the disk is full" },
  ]);
  assertEquals(take({ bets: [-5, -1, 0], servers: both }), [{ kind: "ready", server: "server2" }]);
  assertEquals(take({ bets: [-5, -1, -7], servers: both }), [
    { kind: "closed", agencies: [3] },
    { kind: "drawn", number: 7574, bets: 13 },
  ]);
  const outcome = {
    id: "a",
    winningNumber: 7574,
    drawnAt: "",
    bets: 13,
    winners: 2,
    agencies: [],
  };
  assertEquals(take({ bets: [-5, -1, -7], servers: both }, outcome), [
    { kind: "recorded", winners: 2 },
  ]);
  assertEquals(take({ bets: [-5, -1, -7], servers: both }, outcome), []);
  const ended = [silent("server1", 4000), silent("server2", 4000)];
  assertEquals(take({ atMs: 4000, bets: [-5, -1, -7], servers: ended }, outcome), [
    { kind: "stopped", servers: ["server1", "server2"] },
  ]);
});

Deno.test("Timeline says in which state it finds a lottery, and follows to the next one", () => {
  const { take } = setUp();
  assertEquals(take({ bets: [-5, -1] }), [
    { kind: "found", agencies: 2, closed: 2, bets: 6 },
    { kind: "drawn", number: 7574, bets: 6 },
  ]);
  assertEquals(take({ id: "b", bets: [0, 0] }), [
    { kind: "found", agencies: 2, closed: 0, bets: 0 },
  ]);
});

Deno.test("Timeline keeps the latest events, whose ids go on", () => {
  const { timeline, take } = setUp();
  for (let index = 0; index < EVENTS_MAX; index++) {
    take({ bets: [1], servers: [silent("server1", 0)], atMs: 20_000 });
    take({ bets: [1], servers: [{ name: "server1" }], atMs: 21_000 });
  }
  const kept = timeline.after(0);
  assertEquals([kept.length, kept.at(-1)!.id], [EVENTS_MAX, timeline.lastId]);
  assertEquals(timeline.after(timeline.lastId), []);
  assertEquals(
    timeline.after(timeline.lastId - 2).map(({ id }) => id),
    kept.slice(-2).map(({ id }) => id),
  );
});
