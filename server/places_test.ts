import { assertEquals } from "@std/assert";
import { CROWDED_TURN_MS, Places, TURN_MS, type Visit } from "./places.ts";
import type { Activity } from "./session.ts";

/** A visit whose session records how it has to end. */
interface TestVisit extends Visit {
  name: string;
  activity: Activity;
  activeAt: number;
}

/** Places, a clock, and what became of the visits. */
class Trial {
  nowMs = 1_000_000;
  /** The visits that had to end, and `name leaves` for those that may answer first. */
  readonly ends: string[] = [];
  readonly places: Places;

  constructor(connectionsMax: number, connectionsPerAddressMax: number) {
    const now = () => this.nowMs;
    this.places = new Places({ connectionsMax, connectionsPerAddressMax, now });
  }

  /** Gives places to visits whose names begin with their address. */
  give(activity: Activity, ...names: string[]): void {
    for (const name of names) this.places.give(this.visit(name, activity));
  }

  visit(name: string, activity: Activity): TestVisit {
    const { ends, nowMs } = this;
    const visit = { name, source: name[0], placedAt: 0, activity, activeAt: nowMs };
    const session = {
      abort: () => void ends.push(name),
      leave: () => void ends.push(`${name} leaves`),
      get activity() {
        return visit.activity;
      },
      get activeAt() {
        return visit.activeAt;
      },
    };
    return Object.assign(visit, { session });
  }

  /** Asks for room on behalf of an address. Returns what had to end. */
  makeRoomFor(source: string, newcomers = 1): string[] {
    const before = this.ends.length;
    const hasRoom = this.places.makeRoomFor(source, newcomers);
    const ends = this.ends.slice(before);
    assertEquals(hasRoom, ends.length > 0);
    return ends;
  }
}

Deno.test("Places recalls a place beyond an address's share at once", () => {
  const trial = new Trial(4, 1);
  trial.give("resting", "a1", "a2", "a3", "b1");
  assertEquals(trial.places.hasFree, false);
  assertEquals(trial.makeRoomFor("c"), ["a1"]);
  assertEquals(trial.places.hasFree, true);
  trial.give("resting", "c1");
  assertEquals(trial.makeRoomFor("d"), ["a2"]);
  trial.give("resting", "d1");
  // Every address has its share now, and every turn has just begun.
  assertEquals(trial.makeRoomFor("e"), []);
});

Deno.test("Places does not recall a place for an address that has its share", () => {
  const trial = new Trial(4, 2);
  trial.give("resting", "b1", "b2");
  trial.nowMs += 1;
  trial.give("resting", "a1", "a2");
  assertEquals(trial.makeRoomFor("a"), []);
  const more = new Trial(5, 2);
  more.give("resting", "a1", "a2", "a3", "b1", "b2");
  assertEquals(more.makeRoomFor("b"), []);
  assertEquals(more.makeRoomFor("c"), ["a1"]);
});

Deno.test("Places recalls resting connections first, then those within a packet, then stalled ones", () => {
  const trial = new Trial(8, 1);
  trial.give("writing", "a1");
  trial.give("working", "a2");
  trial.nowMs += TURN_MS;
  trial.give("writing", "a3");
  trial.give("reading", "a4", "a5");
  trial.nowMs += 1;
  trial.give("resting", "a6");
  trial.nowMs += 1;
  trial.give("resting", "a7", "a8");
  const ends = Array.from({ length: 9 }, () => trial.makeRoomFor("b", 3)).flat();
  assertEquals(ends, ["a6", "a7", "a8", "a4", "a5", "a1", "a2 leaves", "a3 leaves"]);
});

Deno.test("Places ends a leaving connection whose peer stalls the answer", () => {
  const trial = new Trial(2, 1);
  trial.give("writing", "a1", "a2");
  assertEquals(trial.makeRoomFor("b"), ["a1 leaves"]);
  assertEquals(trial.makeRoomFor("b"), []);
  trial.nowMs += TURN_MS;
  assertEquals(trial.makeRoomFor("b"), ["a1"]);
});

Deno.test("Places ends a turn of the address that has most, after a second", () => {
  const trial = new Trial(6, 3);
  trial.give("resting", "b1");
  trial.nowMs += 1;
  trial.give("resting", "a1", "a2", "a3", "c1", "c2");
  trial.nowMs += TURN_MS - 1;
  assertEquals(trial.makeRoomFor("d"), []);
  trial.nowMs += 1;
  assertEquals(trial.makeRoomFor("d"), ["a1"]);
});

Deno.test("Places ends turns sooner while many need a place: more than a quarter of the places", () => {
  const trial = new Trial(8, 8);
  trial.give("resting", ...Array.from({ length: 8 }, (_, index) => `a${index}`));
  trial.nowMs += CROWDED_TURN_MS - 1;
  assertEquals(trial.makeRoomFor("a", 3), []);
  trial.nowMs += 1;
  assertEquals(trial.makeRoomFor("a", 2), []);
  assertEquals(trial.makeRoomFor("a", 3), ["a0"]);
  assertEquals(trial.makeRoomFor("a", 3), []);
  trial.nowMs += CROWDED_TURN_MS / 20;
  assertEquals(trial.makeRoomFor("a", 3), ["a1"]);
});

Deno.test("Places ends the turn of the connection that has rested longest", () => {
  const trial = new Trial(4, 4);
  const busiest = trial.visit("a1", "resting");
  const visits = [busiest, trial.visit("a2", "resting"), trial.visit("a3", "resting")];
  for (const visit of visits) trial.places.give(visit);
  trial.give("working", "a4");
  trial.nowMs += TURN_MS;
  busiest.activeAt = trial.nowMs - 1;
  visits[1].activeAt = trial.nowMs - 2;
  visits[2].activeAt = trial.nowMs - 3;
  assertEquals(trial.makeRoomFor("a"), ["a3"]);
});

Deno.test("Places ends a turn of the newcomer's own address if no other can end", () => {
  const trial = new Trial(3, 2);
  trial.give("writing", "b1", "b2");
  trial.give("resting", "a1");
  trial.nowMs += TURN_MS;
  assertEquals(trial.makeRoomFor("c"), []);
  assertEquals(trial.makeRoomFor("a"), ["a1"]);
});

Deno.test("Places lets a connection that does not rest answer before it ends, one per newcomer", () => {
  const trial = new Trial(4, 4);
  trial.give("working", "a1", "a2");
  trial.give("reading", "a3");
  trial.give("writing", "a4");
  trial.nowMs += TURN_MS;
  assertEquals(trial.makeRoomFor("a"), ["a3 leaves"]);
  trial.nowMs += TURN_MS;
  assertEquals(trial.makeRoomFor("a"), []);
  assertEquals(trial.makeRoomFor("a", 2), ["a1 leaves"]);
  trial.give("resting", "a5");
  trial.nowMs += TURN_MS;
  assertEquals(trial.makeRoomFor("a", 2), ["a5"]);
});

Deno.test("Places ends a twentieth of the turns at a time", () => {
  const trial = new Trial(60, 60);
  trial.give("resting", ...Array.from({ length: 60 }, (_, index) => `a${index}`));
  trial.nowMs += TURN_MS;
  const endAll = () => Array.from({ length: 60 }, () => trial.makeRoomFor("a", 60)).flat().length;
  assertEquals(endAll(), 3);
  trial.nowMs += TURN_MS / 20;
  assertEquals(endAll(), 3);
});

Deno.test("Places with one place never makes room", () => {
  const trial = new Trial(1, 1);
  trial.give("resting", "a1");
  trial.nowMs += 3600 * TURN_MS;
  assertEquals(trial.makeRoomFor("a"), []);
  assertEquals(trial.makeRoomFor("b"), []);
});
