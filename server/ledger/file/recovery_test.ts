import { assertEquals } from "@std/assert";

import { type AnnouncedRound, inspectTail, type TailState } from "./recovery.ts";

/** Three rows of 24 bytes. */
const ROW = "1,A,B,3,2000-01-01,1234\n";
const ROWS = ROW.repeat(3);

/** A file, its journal, and the expected result. */
interface Case {
  file: string;
  round?: AnnouncedRound;
  state: TailState;
  wholeSize: number;
}

const CASES: Case[] = [
  { file: ROWS, round: { from: 24, to: 72 }, state: "whole", wholeSize: 72 },
  // Two whole rows of a longer round: a batch is whole or absent.
  { file: ROWS, round: { from: 24, to: 96 }, state: "torn", wholeSize: 24 },
  { file: `${ROW}1,A`, round: { from: 24, to: 48 }, state: "torn", wholeSize: 24 },
  // The size of a round has reached the disk, but not all of its rows.
  {
    file: ROW + "\0".repeat(48),
    round: { from: 24, to: 72 },
    state: "torn",
    wholeSize: 24,
  },
  {
    file: ROW.repeat(2) + "\0".repeat(24),
    round: { from: 24, to: 72 },
    state: "torn",
    wholeSize: 24,
  },
  { file: ROWS, round: { from: 72, to: 96 }, state: "not started", wholeSize: 72 },
  { file: ROWS, round: { from: 24, to: 48 }, state: "longer", wholeSize: 72 },
  // A name was lengthened or shortened by hand.
  { file: ROWS, round: { from: 50, to: 74 }, state: "edited", wholeSize: 72 },
  { file: ROWS, round: { from: 23, to: 96 }, state: "edited", wholeSize: 72 },
  { file: `${ROWS}1,`, round: { from: 50, to: 75 }, state: "edited", wholeSize: 72 },
  { file: `${ROWS}1,`, round: { from: 24, to: 48 }, state: "longer", wholeSize: 72 },
  {
    file: `${ROWS}1,`,
    round: { from: 96, to: 120 },
    state: "shorter",
    wholeSize: 72,
  },
  { file: `${ROWS}1,A`, state: "no journal", wholeSize: 72 },
  { file: "1,A", state: "no journal", wholeSize: 0 },
  { file: ROWS, state: "no journal", wholeSize: 72 },
  { file: "", state: "no journal", wholeSize: 0 },
  { file: "", round: { from: 0, to: 0 }, state: "whole", wholeSize: 0 },
  { file: "", round: { from: 0, to: 24 }, state: "not started", wholeSize: 0 },
];

Deno.test("inspectTail() names the state of every tail", () => {
  for (const { file, round, state, wholeSize } of CASES) {
    const bytes = new TextEncoder().encode(file);
    const read = (into: Uint8Array, position: number) => {
      const count = Math.min(into.length, 5, bytes.length - position);
      into.set(bytes.subarray(position, position + count));
      return count;
    };
    assertEquals(inspectTail(bytes.length, round, { read }), {
      state,
      wholeSize,
      size: bytes.length,
    });
  }
});
