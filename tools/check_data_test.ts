import { assertEquals, assertStringIncludes } from "@std/assert";
import { filesOf, plantVolume } from "./check/testing/planted_volume.ts";
import { needs, PROGRAMS } from "../testing/needs.ts";
import { check, QUOTED_ROW, ROW } from "./check/testing/run_check.ts";

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
      [["--data", `${volume.path}/bets.csv`, "--agency", "1", "--repair"], "cannot be combined"],
      [["--accept-loss", "--clear-disk-failure"], "cannot be combined"],
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
