import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { checksumOf } from "../server/ledger/file/fixed_line.ts";
import { filesOf, type PlantedFiles, plantVolume } from "./check/testing/planted_volume.ts";
import { needs, PROGRAMS } from "../testing/needs.ts";
import { check, QUOTED_ROW, ROW } from "./check/testing/run_check.ts";

/** A volume and the expected report. */
interface Case extends PlantedFiles {
  name: string;
  code: number;
  says: string[];
}

const CASES: Case[] = [
  {
    name: "a complete draw",
    bets: `${ROW}${QUOTED_ROW}${ROW}`,
    closed: "3\n1\n5\n2\n4\n",
    journal: { from: 24, to: 48 + QUOTED_ROW.length, cuts: 0, recalls: 0 },
    code: 0,
    says: ["3 rows in 82 bytes", "1             2  yes", "5             0  yes", "complete, all 5"],
  },
  {
    name: "a draw that is not complete",
    bets: ROW,
    closed: "2\n",
    journal: { from: 0, to: 24, cuts: 0, recalls: 0 },
    code: 0,
    says: ["not complete, 1 of 5", "still open: 1, 3, 4, 5", "SOUND"],
  },
  { name: "a new volume", code: 0, says: ["does not exist yet", "SOUND"] },
  {
    name: "no journal",
    bets: ROW,
    code: 0,
    says: ["bets.csv.round is missing", "SOUND"],
  },
  {
    name: "a damaged journal",
    bets: ROW,
    journal: "from=what",
    code: 0,
    says: ["bets.csv.round is damaged", "SOUND"],
  },
  {
    name: "rows of another program",
    bets: ROW.repeat(3),
    journal: { from: 0, to: 24, cuts: 0, recalls: 0 },
    code: 0,
    says: ["72 bytes", "another program", "SOUND"],
  },
  {
    name: "a round of which nothing was written",
    bets: ROW,
    journal: { from: 24, to: 72, cuts: 0, recalls: 0 },
    code: 0,
    says: ["round of 48 bytes", "SOUND"],
  },
  {
    name: "a torn round",
    bets: `${ROW}${ROW}1,A`,
    journal: { from: 24, to: 72, cuts: 0, recalls: 0 },
    code: 3,
    says: ["1 rows in 24 bytes", "the last 27 bytes, from byte 24", "TORN: the end of bets.csv"],
  },
  {
    name: "a torn row without a journal",
    bets: `${ROW}1,A`,
    code: 3,
    says: ["the last 3 bytes, from byte 24: the last row has no line end", "TORN"],
  },
  {
    name: "a file that has become shorter",
    bets: ROW,
    journal: { from: 96, to: 120, cuts: 0, recalls: 0 },
    code: 3,
    says: ["24 bytes, but bets.csv.round begins its last round at 96", "TORN"],
  },
  {
    name: "a torn line of a closed agency",
    bets: ROW,
    closed: "1\n2\n3",
    journal: { from: 0, to: 24, cuts: 0, recalls: 0 },
    code: 3,
    says: ['"3" at byte 4 has no line end', "TORN: the end of agencies_closed.txt"],
  },
  {
    name: "damaged rows, and a torn end",
    bets: `${ROW}1,A,B,3,2000-02-30,1\n\0\0\0\n${ROW}1,A,B,3\n1,A`,
    journal: { from: 81, to: 120, cuts: 0, recalls: 0 },
    code: 4,
    says: [
      'line 2, byte 24: birthdate "2000-02-30"',
      "line 3, byte 45: contains 3 NUL bytes",
      "line 5, byte 73: has 4 fields",
      "the last 3 bytes, from byte 81",
      "DAMAGED: bets.csv",
    ],
  },
  {
    name: "a row that is much too long",
    bets: `${ROW}1,${"A".repeat(3_000_000)}\n${ROW}2,B`,
    journal: { from: 3_000_027, to: 3_000_051, cuts: 0, recalls: 0 },
    code: 4,
    says: ["3 rows in 3000051 bytes", "line 2, byte 24: is 3000003 bytes long"],
  },
  {
    name: "a file of NUL bytes",
    bets: new Uint8Array(2_000_000),
    journal: { from: 0, to: 1_000_000, cuts: 0, recalls: 0 },
    code: 3,
    says: ["torn: the last 2000000 bytes, from byte 0: the last row has no line end"],
  },
  {
    name: "NUL bytes in place of a round",
    bets: ROW + "\0".repeat(23),
    journal: { from: 24, to: 47, cuts: 0, recalls: 0 },
    code: 3,
    says: [
      "torn: the last 23 bytes, from byte 24: bets.csv.round announces a round from byte 24 to 47",
    ],
  },
  {
    name: "NUL bytes before the last row",
    bets: `${"\0".repeat(100)}\n${ROW}`,
    journal: { from: 101, to: 125, cuts: 0, recalls: 0 },
    code: 4,
    says: ["line 1, byte 0: contains 100 NUL bytes"],
  },
  {
    name: "Windows line ends",
    bets: ROW.replace("\n", "\r\n"),
    journal: { from: 0, to: 25, cuts: 0, recalls: 0 },
    code: 4,
    says: ["line end: 1", "line 1, byte 0: ends in \\r\\n"],
  },
  {
    name: "a last row without its line end that the journal counts",
    bets: `${ROW}1,A,B,3,2000-01-01,1234`,
    journal: { from: 24, to: 47, cuts: 0, recalls: 0 },
    code: 4,
    says: ["line 2, byte 24: has no line end within its 23 bytes"],
  },
  {
    name: "an agency that the lottery does not have",
    bets: `${ROW}6,A,B,3,2000-01-01,1\n`,
    code: 4,
    says: ['line 2, byte 24: agency "6" is over 5'],
  },
  {
    name: "many faults of one kind",
    bets: `${ROW}${"1,A,B,3,2000-01-01,01\n".repeat(12)}`,
    code: 4,
    says: ["number: 12, the first 10", "line 11, byte 222"],
  },
  {
    name: "a file that has lost durable rows",
    bets: ROW,
    journal: { from: 48, to: 72, cuts: 0, recalls: 0 },
    mark: { bets: 72, closed: 0, closedSum: 0 },
    code: 4,
    says: [
      "1 rows in 24 bytes",
      "lost: bets.csv has 24 bytes, but 72 were durable: at least 48 bytes",
      "LOST: ",
      "--accept-loss",
    ],
  },
  {
    name: "a bets.csv that was deleted",
    journal: { from: 48, to: 72, cuts: 0, recalls: 0 },
    mark: { bets: 72, closed: 0, closedSum: 0 },
    code: 4,
    says: ["does not exist any more", "bets.csv has 0 bytes, but 72 were durable", "LOST: "],
  },
  {
    name: "a last row that has lost its line end",
    bets: ROW + ROW.trimEnd(),
    journal: { from: 24, to: 48, cuts: 0, recalls: 0 },
    mark: { bets: 48, closed: 0, closedSum: 0 },
    code: 3,
    says: ["the last row of bets.csv has lost its line end", "TORN: the end of bets.csv"],
  },
  {
    name: "a last row that has lost more than its line end",
    bets: ROW + "1,A,B,3,2000-01-41,1234",
    journal: { from: 24, to: 48, cuts: 0, recalls: 0 },
    mark: { bets: 48, closed: 0, closedSum: 0 },
    code: 4,
    says: ["bets.csv has 47 bytes, but 48 were durable", "LOST: "],
  },
  {
    name: "a list of closed agencies that has lost a line",
    bets: ROW,
    closed: "1\n",
    mark: { bets: 24, closed: 4, closedSum: 0 },
    code: 5,
    says: ["lost: agencies_closed.txt has 2 bytes, but 4 were durable", "LOST: "],
  },
  {
    name: "a list of closed agencies that was changed",
    bets: ROW,
    closed: "1\n3\n",
    mark: { bets: 24, closed: 4, closedSum: checksumOf(new TextEncoder().encode("1\n2\n")) },
    code: 5,
    says: ["lost: the first 4 bytes of agencies_closed.txt were durable", "LOST: "],
  },
  {
    name: "a list of closed agencies that has grown",
    bets: ROW,
    closed: "1\n2\n3\n",
    mark: { bets: 24, closed: 4, closedSum: checksumOf(new TextEncoder().encode("1\n2\n")) },
    code: 0,
    says: ["3 of 5 agencies have closed", "SOUND"],
  },
  {
    name: "bets without the identity of their lottery",
    bets: ROW,
    mark: { bets: 24, closed: 0, closedSum: 0 },
    identity: '{"id":',
    code: 5,
    says: ["lost: lottery.json, which says of which lottery", "LOST: "],
  },
  {
    name: "an older copy of the journal",
    bets: ROW + ROW + ROW,
    journal: { from: 24, to: 96, cuts: 0, recalls: 0 },
    mark: { bets: 72, closed: 0, closedSum: 0 },
    code: 0,
    says: ["bets.csv.round is an older copy", "3 rows in 72 bytes", "SOUND"],
  },
  {
    name: "zeros in place of durable rows",
    bets: ROW + "1,A".padEnd(4096 - 24, "\0") + "00-01-01,1234\n" + ROW,
    journal: { from: 24, to: 4134, cuts: 0, recalls: 0 },
    mark: { bets: 4134, closed: 0, closedSum: 0 },
    code: 4,
    says: ["line 2, byte 24: is 4086 bytes long", "DAMAGED: bets.csv"],
  },
  {
    name: "a birthdate that a clock gone wrong has accepted",
    bets: "1,A,B,3,2999-12-31,1234\n",
    code: 0,
    says: ["SOUND"],
  },
  {
    name: "a byte order mark before a perfect row",
    bets: `\ufeff${ROW}`,
    code: 4,
    says: ['line 1, byte 0: agency "\\ufeff1" is not an agency'],
  },
  {
    name: "the note of a failed disk",
    bets: ROW,
    diskFailure: '{"failedAt":"2026-11-23"}\n',
    code: 7,
    says: ["DISK FAILED: disk-failure.json", "--clear-disk-failure"],
  },
  {
    name: "damage in the list of closed agencies",
    bets: ROW,
    closed: "1\n1\n6\nx\n\n12345678901234567890\n2\r\n03\n4",
    journal: { from: 0, to: 24, cuts: 0, recalls: 0 },
    code: 5,
    says: [
      "twice: 1",
      "line 2, byte 2: 1 is there already",
      "line 3, byte 4: 6 is over 5",
      'line 4, byte 6: "x" is not an agency\'s number',
      'line 5, byte 8: "" is not an agency\'s number',
      "no agency: 3",
      '"2\\r" is read as agency 2',
      '"03" is read as agency 3',
      '"4" at byte',
      "not complete, 3 of 5",
      "AGENCIES_AMOUNT changed",
    ],
  },
];

Deno.test({
  ...needs(PROGRAMS, "check reports what is on a volume, and changes nothing"),
  fn: async (t) => {
    for (const { name, code, says, ...files } of CASES) {
      await t.step(name, async () => {
        await using volume = await plantVolume(files);
        const before = await filesOf(volume.path);
        const result = await check(["--volume", volume.path]);
        assertEquals(result.code, code, result.out + result.err);
        for (const text of says) assertStringIncludes(result.out, text);
        assertEquals(await filesOf(volume.path), before);
      });
    }
  },
});

Deno.test({
  ...needs(PROGRAMS, "check shows at most ten faults of a kind"),
  fn: async () => {
    await using volume = await plantVolume({ bets: "1,A,B,3,2000-01-01,01\n".repeat(12) });
    const { out } = await check(["--volume", volume.path, "--agencies", "5"]);
    assertEquals(out.match(/^ {2}line /gm)?.length, 10);
  },
});

Deno.test({
  ...needs(PROGRAMS, "check reads the server's settings unless its flags replace them"),
  fn: async () => {
    await using volume = await plantVolume({ bets: ROW.replace("1", "7") });
    const ofServer = { env: { SHARED_VOLUME: volume.path, AGENCIES_AMOUNT: "7" } };
    assertEquals((await check([], ofServer)).code, 0);
    assertEquals((await check(["--agencies", "6"], ofServer)).code, 4);
    const faulty = { env: { AGENCIES_AMOUNT: "none" } };
    assertEquals((await check(["--volume", volume.path, "--agencies", "7"], faulty)).code, 0);
    const { code, err } = await check([], faulty);
    assertEquals(code, 2);
    assertStringIncludes(err, "AGENCIES_AMOUNT");
    const noFile = await check([], { env: { SERVER_CONFIG: `${volume.path}/config.ini` } });
    assertEquals(noFile.code, 2);
    assertStringIncludes(noFile.err, `${volume.path}/config.ini does not exist: restore it`);
    assertEquals(noFile.err.includes("is missing"), false, noFile.err);
  },
});

Deno.test({
  ...needs(PROGRAMS, "check exits with 2 for wrong arguments, and explains its usage"),
  fn: async () => {
    await using volume = await plantVolume({ bets: ROW });
    const wrong = [
      ["--agencies", "0"],
      ["--agencies", "10000"],
      ["--volume", ""],
      ["--wait", "x"],
      ["--color"],
      ["bets.csv"],
      ["--volume", `${volume.path}/missing`],
      ["--volume", `${volume.path}/bets.csv`],
    ];
    for (const args of wrong) {
      const { code, out, err } = await check(args);
      assertEquals([code, out], [2, ""], `${args.join(" ")}: ${err}`);
      assert(err.length > 10);
    }
    const { err: missing } = await check(["--volume", `${volume.path}/missing`]);
    assertStringIncludes(missing, `Cannot check ${volume.path}/missing: there is no such folder`);
    const { code, out } = await check(["--help"]);
    assertEquals(code, 0);
    for (const exitCode of [0, 1, 2, 3, 4, 5, 6, 7]) {
      assertMatch(out, new RegExp(`^ {2}${exitCode} `, "m"));
    }
  },
});

Deno.test({
  ...needs(PROGRAMS, "check gives up on a lock that is not released"),
  fn: async () => {
    await using volume = await plantVolume({ bets: `${ROW}1,A` });
    using holder = await Deno.open(`${volume.path}/bets.csv`, { read: true, write: true });
    await holder.lock(true);
    for (const repair of [[], ["--repair"]]) {
      const { code, err } = await check(["--volume", volume.path, "--wait", "1", ...repair]);
      assertEquals(code, 1);
      assertStringIncludes(err, "Cannot lock bets.csv within 1 s");
    }
    await holder.unlock();
    assertEquals((await check(["--volume", volume.path])).code, 3);
  },
});
