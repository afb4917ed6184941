/**
 * What check changes on a volume, and when it refuses to.
 *
 * @module
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { filesOf, type PlantedFiles, plantVolume } from "./check/testing/planted_volume.ts";
import { fileResource, needs, PROGRAMS } from "../testing/needs.ts";
import { CHECK, check, ROW } from "./check/testing/run_check.ts";

Deno.test({
  ...needs(PROGRAMS, "check --repair truncates the torn end, and can be repeated"),
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
    assertStringIncludes(first.out, `27 bytes that no redo log holds were copied to ${side}`);
    assertEquals(files[side], `${ROW}1,A`);
    assertEquals([files["bets.csv"], files["agencies_closed.txt"]], [ROW, "1\n2"]);
    await Deno.writeTextFile(`${volume.path}/agencies_closed.txt`, "1\n");
    const second = await check(["--volume", volume.path, "--repair"]);
    assertEquals(second.code, 0, second.out + second.err);
    assertStringIncludes(second.out, "nothing was changed");
    assertEquals(Object.keys(await filesOf(volume.path)).length, 5);
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
    assertStringIncludes(out, "--accept-loss. Then check again");
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

const LOST: PlantedFiles = {
  bets: ROW,
  closed: "1\n",
  journal: { from: 48, to: 72, cuts: 0, recalls: 0 },
  mark: { bets: 72, closed: 4, closedSum: 0 },
};

Deno.test({
  ...needs(
    PROGRAMS,
    "check --accept-loss names what is missing, and moves aside what knows of it alone",
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
    assertStringIncludes(out, `moved to ${moved}`);
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
    "check --repair truncates a huge hole that servers refuse, and keeps it as a hole",
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
