import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { checksumOf } from "../server/ledger/file/round_journal.ts";
import { filesOf, type PlantedFiles, plantVolume } from "./check/testing/planted_volume.ts";
import { fileResource, needs, PROGRAMS } from "../testing/needs.ts";

const ROW = "1,A,B,3,2000-01-01,1234\n";
const QUOTED_ROW = `2,"A, B","C ""D""",3,2000-01-01,0\n`;
const CHECK = new URL("check.ts", import.meta.url).href;

/** Runs the task. */
async function check(
  args: string[],
  { permissions = ["-A"], ...options }: Partial<Deno.CommandOptions> & { permissions?: string[] } =
    {},
): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", ...permissions, CHECK, ...args],
    env: { NO_COLOR: "1", AGENCIES_AMOUNT: "5" },
    stdin: "null",
    ...options,
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: decode(stdout), err: decode(stderr) };
}

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
    name: "damaged rows, and a torn tail",
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
    name: "a hole of zeros that a power cut has left",
    bets: ROW + "1,A".padEnd(4096 - 24, "\0") + "00-01-01,1234\n" + ROW,
    journal: { from: 24, to: 4134, cuts: 0, recalls: 0 },
    mark: { bets: 24, closed: 0, closedSum: 0 },
    code: 3,
    says: ["1 rows in 24 bytes", "a power cut has left zeros", "TORN: the end of bets.csv"],
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
      ["--colour"],
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

Deno.test({
  ...needs(PROGRAMS, "check --repair cuts off the torn tail, and can be repeated"),
  fn: async () => {
    await using volume = await plantVolume({
      bets: `${ROW}${ROW}1,A`,
      closed: "1\n2",
      journal: { from: 24, to: 72, cuts: 0, recalls: 0 },
    });
    const first = await check(["--volume", volume.path, "--repair"]);
    // agencies_closed.txt is still torn.
    assertEquals(first.code, 3, first.out + first.err);
    const files = await filesOf(volume.path);
    const [side] = Object.keys(files).filter((name) => name.startsWith("bets.csv.cut-"));
    assertStringIncludes(first.out, `27 bytes were copied to ${side}`);
    assertEquals(files[side], `${ROW}1,A`);
    assertEquals([files["bets.csv"], files["agencies_closed.txt"]], [ROW, "1\n2"]);
    await Deno.writeTextFile(`${volume.path}/agencies_closed.txt`, "1\n");
    const second = await check(["--volume", volume.path, "--repair"]);
    assertEquals(second.code, 0, second.out + second.err);
    assertStringIncludes(second.out, "nothing was changed");
    assertEquals(Object.keys(await filesOf(volume.path)).length, 4);
  },
});

Deno.test({
  ...needs(PROGRAMS, "check --repair changes nothing if rows are damaged"),
  fn: async () => {
    await using volume = await plantVolume({
      bets: `${ROW}1,A,B,3,2000-02-30,1\n${ROW}1,A`,
      journal: { from: 69, to: 90, cuts: 0, recalls: 0 },
    });
    const before = await filesOf(volume.path);
    const { code, out } = await check(["--volume", volume.path, "--repair"]);
    assertEquals(code, 4);
    assertStringIncludes(out, "refused, nothing was changed: line 2, at byte 24");
    assertStringIncludes(out, "remove bets.csv.round");
    assertEquals(await filesOf(volume.path), before);
  },
});

Deno.test({
  ...needs(PROGRAMS, "check --repair changes nothing if it may not write"),
  fn: async () => {
    await using volume = await plantVolume({ bets: `${ROW}1,A` });
    const before = await filesOf(volume.path);
    const permissions = ["--allow-read", "--allow-env", "--allow-sys"];
    const { code, err } = await check(["--volume", volume.path, "--repair"], { permissions });
    assertEquals(code, 1);
    assertStringIncludes(err, `Cannot check and repair ${volume.path}: `);
    assertEquals(await filesOf(volume.path), before);
  },
});

Deno.test({
  ...needs(
    PROGRAMS,
    "check --data compares what is stored of an agency with its file, while servers write",
  ),
  fn: async () => {
    await using volume = await plantVolume({
      bets: `${ROW}${QUOTED_ROW}${ROW}1,A`,
      journal: { from: 48 + QUOTED_ROW.length, to: 200, cuts: 0, recalls: 0 },
    });
    const data = `${volume.path}/agency 1.csv`;
    const compare = (...args: string[]) =>
      check(["--volume", volume.path, "--data", data, "--agency", "1", ...args]);
    const row = ROW.slice(2);
    await Deno.writeTextFile(data, row.repeat(3));
    const before = await filesOf(volume.path);
    const same = await compare();
    assertEquals(same.code, 0, same.out + same.err);
    assertStringIncludes(same.out, "SAME: the stored bets are the first 2 of the file; 1 are not");
    assertEquals(await filesOf(volume.path), before);

    await Deno.writeTextFile(data, row + row.replace("1234", "1235"));
    const other = await compare();
    assertEquals(other.code, 6, other.out + other.err);
    assertStringIncludes(other.out, `line 2 of ${data} is not what is stored in its place`);
    assertStringIncludes(other.out, 'number: "1235" in the file, "1234" stored');

    await Deno.writeTextFile(data, `${row}A,B,3,2000-02-30,1\n`);
    const invalid = await compare();
    assertEquals(invalid.code, 1, invalid.out + invalid.err);
    assertStringIncludes(invalid.err, `${data}:2: birthdate "2000-02-30"`);

    using holder = await Deno.open(`${volume.path}/bets.csv`, { read: true, write: true });
    await holder.lock(true);
    const locked = await compare("--wait", "1");
    assertEquals(locked.code, 1, locked.out + locked.err);
    assertStringIncludes(locked.err, "Cannot lock bets.csv within 1 s");
  },
});

Deno.test({
  ...needs(
    PROGRAMS,
    "check --data exits with 2 for wrong arguments, and calls a missing file missing",
  ),
  fn: async () => {
    await using volume = await plantVolume({ bets: ROW });
    const wrong: [args: string[], says: string][] = [
      [["--data", `${volume.path}/bets.csv`], "--data needs --agency"],
      [["--agency", "1"], "--agency needs --data"],
      [["--data", `${volume.path}/bets.csv`, "--agency", "0"], '--agency is "0"'],
      [["--data", `${volume.path}/bets.csv`, "--agency", "1", "--repair"], "exclude each other"],
      [["--accept-loss", "--clear-disk-failure"], "exclude each other"],
      [["--yes"], "--yes only confirms --accept-loss"],
      [["--data", `${volume.path}/none.csv`, "--agency", "1"], "there is no file"],
      [["--data", volume.path, "--agency", "1"], "is not a regular file"],
    ];
    for (const [args, says] of wrong) {
      const { code, out, err } = await check(["--volume", volume.path, ...args]);
      assertEquals([code, out], [2, ""], err);
      assertStringIncludes(err, says);
      assertStringIncludes(err, "check --help lists all flags");
    }
  },
});

const LOST: PlantedFiles = {
  bets: ROW,
  closed: "1\n",
  journal: { from: 48, to: 72, cuts: 0, recalls: 0 },
  mark: { bets: 72, closed: 4, closedSum: 0 },
};

Deno.test({
  ...needs(
    PROGRAMS,
    "check --accept-loss names what is missing, and moves the journal aside alone",
  ),
  fn: async () => {
    await using volume = await plantVolume(LOST);
    const before = await filesOf(volume.path);
    const { code, out, err } = await check(["--volume", volume.path, "--accept-loss", "--yes"]);
    assertEquals(code, 0, out + err);
    assertStringIncludes(out, "bets.csv has 24 bytes, but 72 were durable");
    assertStringIncludes(out, "agencies_closed.txt has 2 bytes, but 4 were durable");
    const { "bets.csv.round": journal, ...files } = before;
    const after = await filesOf(volume.path);
    const [moved] = Object.keys(after).filter((name) => !(name in before));
    assertMatch(moved, /^bets\.csv\.round\.lost-\d{8}T\d{6}Z$/);
    assertStringIncludes(out, `bets.csv.round is now ${moved}`);
    assertEquals(after, { ...files, [moved]: journal });

    const again = await check(["--volume", volume.path, "--accept-loss", "--yes"]);
    assertEquals(again.code, 0, again.out + again.err);
    assertStringIncludes(again.out, "nothing is known to be missing; nothing was changed");
    assertEquals(await filesOf(volume.path), after);
  },
});

Deno.test({
  ...needs(PROGRAMS, "check --accept-loss changes nothing unless it is confirmed"),
  fn: async () => {
    await using volume = await plantVolume(LOST);
    const before = await filesOf(volume.path);
    const { code, out, err } = await check(["--volume", volume.path, "--accept-loss"]);
    assertEquals(code, 2, out + err);
    assertStringIncludes(err, "without a terminal: give --yes to confirm");
    assertEquals(await filesOf(volume.path), before);
  },
});

const SCRIPT = fileResource("/usr/bin/script", "script, which makes a terminal");

Deno.test({
  ...needs([...PROGRAMS, SCRIPT], "check --accept-loss asks at a terminal"),
  fn: async () => {
    for (const [answer, expected] of [["n\n", 1], ["y\n", 0]] as const) {
      await using volume = await plantVolume(LOST);
      const before = await filesOf(volume.path);
      const command = `"${Deno.execPath()}" run -A "$CHECK" --volume "$VOLUME" --accept-loss`;
      const process = new Deno.Command("/usr/bin/script", {
        args: ["--quiet", "--return", "--command", command, "/dev/null"],
        env: { CHECK, VOLUME: volume.path, AGENCIES_AMOUNT: "5", NO_COLOR: "1" },
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      const writer = process.stdin.getWriter();
      await writer.write(new TextEncoder().encode(answer));
      const { code, stdout } = await process.output();
      await writer.close().catch(() => {});
      const out = new TextDecoder().decode(stdout);
      assertStringIncludes(out, "Accept this loss?");
      assertEquals(code, expected, out);
      const isChanged = !("bets.csv.round" in await filesOf(volume.path));
      assertEquals(isChanged, expected === 0, out);
      if (!isChanged) assertEquals(await filesOf(volume.path), before);
    }
  },
});

Deno.test({
  ...needs(PROGRAMS, "check --accept-loss refuses while a process has the files open"),
  fn: async () => {
    if (Deno.build.os !== "linux") return;
    await using volume = await plantVolume(LOST);
    const before = await filesOf(volume.path);
    const sleeper = new Deno.Command("sh", {
      args: ["-c", 'exec sleep 60 <"$1"', "sh", `${volume.path}/bets.csv.round`],
    }).spawn();
    try {
      const { code, err } = await check(["--volume", volume.path, "--accept-loss", "--yes"]);
      assertEquals(code, 1, err);
      assertMatch(err, new RegExp(`Process ${sleeper.pid} .*Stop all servers first`));
      assertEquals(await filesOf(volume.path), before);
    } finally {
      sleeper.kill("SIGKILL");
      await sleeper.status;
    }
  },
});

Deno.test({
  ...needs(PROGRAMS, "check --repair refuses what it would not bring back, or what servers repair"),
  fn: async () => {
    const cases: [files: PlantedFiles, code: number, says: string][] = [
      [LOST, 4, "it would not bring back what is missing"],
      [
        { bets: ROW.trimEnd(), mark: { bets: 24, closed: 0, closedSum: 0 } },
        3,
        "the next server adds the line end",
      ],
    ];
    for (const [files, code, says] of cases) {
      await using volume = await plantVolume(files);
      const before = await filesOf(volume.path);
      const result = await check(["--volume", volume.path, "--repair"]);
      assertEquals(result.code, code, result.out + result.err);
      assertStringIncludes(result.out, `repair: refused, nothing was changed: ${says}`);
      assertEquals(await filesOf(volume.path), before);
    }
  },
});

Deno.test({
  ...needs(PROGRAMS, "check --clear-disk-failure shows the note, and moves it aside"),
  fn: async () => {
    const note = '{"failedAt":"2026-11-23T10:00:00Z","error":"Input/output error \u202e"}\n';
    await using volume = await plantVolume({ bets: ROW, diskFailure: note });
    const before = await filesOf(volume.path);
    const clear = () => check(["--volume", volume.path, "--clear-disk-failure"]);
    const { code, out, err } = await clear();
    assertEquals(code, 0, out + err);
    assertStringIncludes(out, 'disk-failure.json: {"failedAt":"2026-11-23T10:00:00Z"');
    assertStringIncludes(out, "\\u202e");
    const { "disk-failure.json": _, ...files } = before;
    const after = await filesOf(volume.path);
    const [moved] = Object.keys(after).filter((name) => !(name in before));
    assertMatch(moved, /^disk-failure\.json\.cleared-\d{8}T\d{6}Z$/);
    assertEquals(after, { ...files, [moved]: note });
    const again = await clear();
    assertEquals(again.code, 0, again.err);
    assertStringIncludes(again.out, "There is no disk-failure.json");
    const missing = await check(["--volume", `${volume.path}/none`, "--clear-disk-failure"]);
    assertEquals(missing.code, 2);
    assertStringIncludes(missing.err, "there is no such folder");
  },
});

Deno.test({
  ...needs(
    PROGRAMS,
    "check --repair cuts off a huge hole that servers refuse, and keeps it as a hole",
  ),
  fn: async () => {
    await using volume = await plantVolume({ bets: ROW });
    const path = `${volume.path}/bets.csv`;
    const size = 300 * 1024 * 1024;
    await Deno.truncate(path, size);
    const found = await check(["--volume", volume.path]);
    assertEquals(found.code, 4, found.out + found.err);
    assertStringIncludes(found.out, `the last ${size - 24} bytes, from byte 24: more zeros than`);
    assertStringIncludes(found.out, "HOLE: bets.csv ends in more than 64 MiB of zeros");
    const repaired = await check(["--volume", volume.path, "--repair"]);
    assertEquals(repaired.code, 0, repaired.out + repaired.err);
    assertEquals(await Deno.readTextFile(path), ROW);
    const names = Array.from(Deno.readDirSync(volume.path), ({ name }) => name);
    const [side] = names.filter((name) => name.startsWith("bets.csv.cut-"));
    const info = await Deno.stat(`${volume.path}/${side}`);
    assertEquals(info.size, size - 24);
    assertEquals(512 * (info.blocks ?? 0) < 1024 * 1024, true, `${info.blocks} blocks`);
  },
});
