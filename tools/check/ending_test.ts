import { assertEquals } from "@std/assert";
import { FolderDisk } from "../../server/ledger/file/disk.ts";
import { openFileLedger } from "../../server/ledger/file/file_ledger.ts";
import { type Round, RoundJournal } from "../../server/ledger/file/round_journal.ts";
import { openLog, SERVER_LEVELS } from "../../shared/logging.ts";
import { tempFolder, writesFiles } from "../testing.ts";
import { type Agreement, endingOf } from "./ending.ts";

/** Three rows of 24 bytes. */
const ROW = "1,A,B,3,2000-01-01,1234\n";
const ROWS = ROW.repeat(3);
const cuts = 4;

/** A file, its journal, and what is to be made of them. */
interface Case {
  file: string;
  round?: Round;
  agreement: Agreement;
  wholeSize: number;
}

const CASES: Case[] = [
  { file: ROWS, round: { from: 24, to: 72, cuts }, agreement: "whole", wholeSize: 72 },
  // Two whole rows of a round that was to have more: a batch is whole or absent.
  { file: ROWS, round: { from: 24, to: 96, cuts }, agreement: "killed", wholeSize: 24 },
  { file: `${ROW}1,A`, round: { from: 24, to: 48, cuts }, agreement: "killed", wholeSize: 24 },
  // The size of a round came to the disk, and its rows, or the last of them, did not.
  {
    file: ROW + "\0".repeat(48),
    round: { from: 24, to: 72, cuts },
    agreement: "killed",
    wholeSize: 24,
  },
  {
    file: ROW.repeat(2) + "\0".repeat(24),
    round: { from: 24, to: 72, cuts },
    agreement: "killed",
    wholeSize: 24,
  },
  { file: ROWS, round: { from: 72, to: 96, cuts }, agreement: "unbegun", wholeSize: 72 },
  { file: ROWS, round: { from: 24, to: 48, cuts }, agreement: "longer", wholeSize: 72 },
  // A name was made longer or shorter by hand.
  { file: ROWS, round: { from: 50, to: 74, cuts }, agreement: "mended", wholeSize: 72 },
  { file: ROWS, round: { from: 23, to: 96, cuts }, agreement: "mended", wholeSize: 72 },
  { file: `${ROWS}1,`, round: { from: 50, to: 75, cuts }, agreement: "mended", wholeSize: 72 },
  { file: `${ROWS}1,`, round: { from: 24, to: 48, cuts }, agreement: "longer", wholeSize: 72 },
  { file: `${ROWS}1,`, round: { from: 96, to: 120, cuts }, agreement: "shorter", wholeSize: 72 },
  { file: `${ROWS}1,A`, agreement: "no journal", wholeSize: 72 },
  { file: "1,A", agreement: "no journal", wholeSize: 0 },
  { file: ROWS, agreement: "no journal", wholeSize: 72 },
  { file: "", agreement: "no journal", wholeSize: 0 },
  { file: "", round: { from: 0, to: 0, cuts }, agreement: "whole", wholeSize: 0 },
  { file: "", round: { from: 0, to: 24, cuts }, agreement: "unbegun", wholeSize: 0 },
];

Deno.test("endingOf() says how bets.csv ends", () => {
  for (const { file, round, agreement, wholeSize } of CASES) {
    const bytes = new TextEncoder().encode(file);
    const read = (into: Uint8Array, position: number) => {
      const count = Math.min(into.length, 5, bytes.length - position);
      into.set(bytes.subarray(position, position + count));
      return count;
    };
    assertEquals(endingOf(bytes.length, round, read), { agreement, wholeSize, size: bytes.length });
  }
});

Deno.test({
  ...writesFiles("endingOf() says of every ending what a server makes of it"),
  fn: async () => {
    for (const { file, round, wholeSize } of CASES) {
      await using folder = await tempFolder();
      await Deno.writeTextFile(`${folder.path}/bets.csv`, file);
      const disk = new FolderDisk(folder.path);
      if (round !== undefined) {
        const journal = new RoundJournal(disk.open("bets.csv.round"));
        journal.begin(round);
        journal.close();
      }
      const log = openLog({ levels: SERVER_LEVELS, level: "CRITICAL", sink: () => {} });
      const options = { agencies: 5, winningNumber: 7574, log, onFailure: () => {} };
      const ledger = await openFileLedger(disk, options);
      await ledger.dispose();
      assertEquals((await Deno.stat(`${folder.path}/bets.csv`)).size, wholeSize);
    }
  },
});
