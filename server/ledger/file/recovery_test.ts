import { assertEquals } from "@std/assert";
import { FolderDisk } from "../disk.ts";
import { openFileLedger } from "./file_ledger.ts";
import { type Round, RoundJournal } from "./round_journal.ts";
import { openLog, SERVER_LEVELS } from "../../../shared/logging.ts";
import { needs } from "../../../testing/needs.ts";
import { tempFolder } from "../../../testing/temp_folder.ts";
import { inspectTail, type TailState } from "./recovery.ts";
import { BETS_FILE, JOURNAL_FILE } from "./volume_files.ts";

/** Three rows of 24 bytes. */
const ROW = "1,A,B,3,2000-01-01,1234\n";
const ROWS = ROW.repeat(3);
const [cuts, recalls] = [4, 2];

/** A file, its journal, and the expected result. */
interface Case {
  file: string;
  round?: Round;
  state: TailState;
  wholeSize: number;
}

const CASES: Case[] = [
  { file: ROWS, round: { from: 24, to: 72, cuts, recalls }, state: "whole", wholeSize: 72 },
  // Two whole rows of a longer round: a batch is whole or absent.
  { file: ROWS, round: { from: 24, to: 96, cuts, recalls }, state: "torn", wholeSize: 24 },
  { file: `${ROW}1,A`, round: { from: 24, to: 48, cuts, recalls }, state: "torn", wholeSize: 24 },
  // The size of a round has reached the disk, but not all of its rows.
  {
    file: ROW + "\0".repeat(48),
    round: { from: 24, to: 72, cuts, recalls },
    state: "torn",
    wholeSize: 24,
  },
  {
    file: ROW.repeat(2) + "\0".repeat(24),
    round: { from: 24, to: 72, cuts, recalls },
    state: "torn",
    wholeSize: 24,
  },
  { file: ROWS, round: { from: 72, to: 96, cuts, recalls }, state: "not started", wholeSize: 72 },
  { file: ROWS, round: { from: 24, to: 48, cuts, recalls }, state: "longer", wholeSize: 72 },
  // A name was lengthened or shortened by hand.
  { file: ROWS, round: { from: 50, to: 74, cuts, recalls }, state: "edited", wholeSize: 72 },
  { file: ROWS, round: { from: 23, to: 96, cuts, recalls }, state: "edited", wholeSize: 72 },
  { file: `${ROWS}1,`, round: { from: 50, to: 75, cuts, recalls }, state: "edited", wholeSize: 72 },
  { file: `${ROWS}1,`, round: { from: 24, to: 48, cuts, recalls }, state: "longer", wholeSize: 72 },
  {
    file: `${ROWS}1,`,
    round: { from: 96, to: 120, cuts, recalls },
    state: "shorter",
    wholeSize: 72,
  },
  { file: `${ROWS}1,A`, state: "no journal", wholeSize: 72 },
  { file: "1,A", state: "no journal", wholeSize: 0 },
  { file: ROWS, state: "no journal", wholeSize: 72 },
  { file: "", state: "no journal", wholeSize: 0 },
  { file: "", round: { from: 0, to: 0, cuts, recalls }, state: "whole", wholeSize: 0 },
  { file: "", round: { from: 0, to: 24, cuts, recalls }, state: "not started", wholeSize: 0 },
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

Deno.test({
  ...needs(["write"], "openFileLedger() keeps of every tail what inspectTail() says"),
  fn: async () => {
    for (const { file, round, wholeSize } of CASES) {
      await using folder = await tempFolder();
      await Deno.writeTextFile(`${folder.path}/${BETS_FILE}`, file);
      const disk = new FolderDisk(folder.path);
      if (round !== undefined) {
        const journal = new RoundJournal(disk.open(JOURNAL_FILE));
        journal.begin(round);
        journal.close();
      }
      const log = openLog({ levels: SERVER_LEVELS, level: "CRITICAL", sink: () => {} });
      const options = { agencies: 5, winningNumber: 7574, log };
      const ledger = await openFileLedger(disk, options);
      await ledger[Symbol.asyncDispose]();
      assertEquals((await Deno.stat(`${folder.path}/${BETS_FILE}`)).size, wholeSize);
    }
  },
});
