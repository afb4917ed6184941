import { assertEquals } from "@std/assert";
import { openLog, SERVER_LEVELS } from "../shared/logging.ts";
import { drawRecord } from "../testing/draw_record.ts";
import { Board } from "./board.ts";
import { DrawRecords } from "./draw_records.ts";
import { contentOf, viewOf, type ViewParts } from "./testing.ts";

const RECORD = drawRecord({
  id: "a",
  winningNumber: 7574,
  agencies: [{ bets: 5, documents: ["30904465"] }],
});

/** A board whose looks and records a test chooses. */
function setUp() {
  const lines: string[] = [];
  const log = openLog({ levels: SERVER_LEVELS, level: "INFO", sink: (line) => lines.push(line) });
  const shown = { view: {} as ViewParts, record: undefined as string | undefined, nowMs: 0 };
  const records = new DrawRecords({
    folder: "",
    documents: "masked",
    readFile: () =>
      shown.record === undefined
        ? Promise.reject(new Deno.errors.NotFound())
        : Promise.resolve(contentOf(shown.record)),
  });
  const look = () => Promise.resolve(viewOf(shown.view));
  return { board: new Board({ look, records, log, now: () => shown.nowMs }), shown, lines };
}

Deno.test("Board.tell() tells each reader the events and the outcome once", async () => {
  const { board, shown } = setUp();
  assertEquals(board.tell({ eventId: 0 }), undefined);
  shown.view = { bets: [5], servers: [{ name: "server1" }] };
  await board.look();
  const first = board.tell({ eventId: 0 })!;
  assertEquals(first.state.events.map(({ kind }) => kind), ["up", "found"]);
  assertEquals(board.tell(first.known)!.state.events, []);
  shown.view.bets = [-5];
  shown.record = RECORD;
  await board.look();
  const second = board.tell(first.known)!;
  assertEquals(second.state.events.map(({ kind }) => kind), ["closed", "drawn", "recorded"]);
  assertEquals(second.state.outcome!.winners, 1);
  const third = board.tell(second.known)!;
  assertEquals([third.state.events, third.state.outcome], [[], null]);
  // A page that comes later gets all of it.
  const late = board.tell({ eventId: 0 })!;
  assertEquals([late.state.events.length, late.state.outcome!.winners], [5, 1]);
});

Deno.test("Board.tell() keeps an outcome from the next lottery", async () => {
  const { board, shown } = setUp();
  shown.view = { bets: [-5] };
  shown.record = RECORD;
  await board.look();
  const { known } = board.tell({ eventId: 0 })!;
  shown.view = { id: "b", bets: [0] };
  shown.record = undefined;
  await board.look();
  const told = board.tell(known)!;
  assertEquals([told.state.outcome, told.known.outcomeId], [null, undefined]);
  assertEquals(told.state.events.map(({ kind }) => kind), ["found"]);
});

Deno.test("Board.look() reports a record that it cannot read once, and reads it when it is repaired", async () => {
  const { board, shown, lines } = setUp();
  shown.view = { bets: [-5] };
  shown.record = "{";
  await board.look();
  await board.look();
  assertEquals(lines.length, 1, lines.join("\n"));
  assertEquals(board.tell({ eventId: 0 })!.state.outcome, null);
  shown.record = RECORD;
  await board.look();
  assertEquals(board.tell({ eventId: 0 })!.state.outcome!.winners, 1);
});

Deno.test("Board.run() looks until it is stopped, and tells its listeners", async () => {
  const { board } = setUp();
  const stop = new AbortController();
  let looks = 0;
  board.onLook(() => {
    if (++looks === 2) stop.abort();
  });
  await board.run(stop.signal);
  assertEquals(looks, 2);
});
