import { assert, assertEquals, assertMatch } from "@std/assert";
import { needs } from "../testing/needs.ts";
import { Program } from "../testing/program.ts";
import { readRunRecord } from "../tools/run/run_lock.ts";
import { succeeds } from "./faults/commands.ts";
import { LINUX } from "./faults/requirements.ts";
import { ProjectCopy } from "./project_copy.ts";

/** To give a program a terminal. */
const PSEUDO_TERMINAL = {
  description: "script, of util-linux",
  isPresent: () => succeeds("script", ["-qefc", "true", "/dev/null"]),
};

/** Starts `up` on a terminal of 80 columns and 24 lines, without the board, which would stay open after the run. */
function upOnTerminal(copy: ProjectCopy, flags: string): Program {
  const up = `'${Deno.execPath()}' task --quiet up --local --no-board ${flags}`;
  return new Program({
    name: "up on a terminal",
    command: "script",
    args: ["-qefc", `stty cols 80 rows 24; ${up}`, "/dev/null"],
    cwd: copy.root,
    env: { ...copy.env, CI: "", TERM: "xterm" },
  });
}

/** Kills server2 while the last client is paused, so that the run waits for it. */
async function killServer(copy: ProjectCopy, up: Program, isBack: RegExp): Promise<void> {
  const { children } = await readRunRecord(copy.root);
  Deno.kill(children.at(-1)!, "SIGSTOP");
  Deno.kill(children[1], "SIGKILL");
  await up.line(isBack);
  Deno.kill(children.at(-1)!, "SIGCONT");
}

/** Resolves when some bets are stored: the processes of all clients have been recorded then. */
const BETTING = /Bets are open: [1-9]|The draw waits/;

Deno.test(
  needs(
    [...LINUX, PSEUDO_TERMINAL],
    "deno task up --local shows a panel on a terminal, and at last what it has survived",
  ),
  async () => {
    await using copy = await ProjectCopy.make({ clients: 2, servers: 3 });
    copy.env.CLI_BATCH_SIZE = "10";
    await using up = upOnTerminal(copy, "");
    await up.line(BETTING);
    await killServer(copy, up, /server2 is back/);
    assertEquals(await up.ended(), 0, up.output());
    assert(up.count(/ 2 {2}[█▏▎▍▌▋▊▉·]+ +[\d,]+ +[\d,]+ .*betting/) > 0, up.output());
    assert(up.count(/server2 .*○ restarting/) > 0, up.output());
    assert(up.count(/server1 +● up/) > 0, up.output());
    assertEquals(up.count(/action:/), 0, "lines of the log are not for the screen");
    assertMatch(
      up.lines.slice(-4).join(" "),
      /78,000 bets, each on stable storage before it was acknowledged, \d+\.\d s; server2 was killed \(137\), nothing was lost; bets in server\/shared-volume\/bets\.csv/,
    );
    // Lines that stay may be longer.
    const drawn = up.lines.filter((line) => line.includes("\x1b[K"));
    const longest = Math.max(...drawn.map((line) => withoutControls(line).length));
    assert(longest <= 80, `a line of ${longest} columns`);
  },
);

Deno.test(
  needs(
    [...LINUX, PSEUDO_TERMINAL],
    "deno task up --local --plain never moves the cursor, and says the reason of a failure last",
  ),
  async () => {
    await using copy = await ProjectCopy.make({ clients: 2, servers: 2 });
    copy.env.CLI_BATCH_SIZE = "10";
    await using up = upOnTerminal(copy, "--plain");
    await up.line(BETTING);
    const { children } = await readRunRecord(copy.root);
    Deno.kill(children.at(-1)!, "SIGKILL");
    assertEquals(await up.ended(), 1, up.output());
    // What precedes the first line is that of `deno task`.
    assert(!up.lines.slice(1).join("\n").includes("\x1b"), up.output());
    await up.line(/^client2 was killed \(137\)$/);
    const [log, all, problems] = up.lines.slice(-5);
    assertMatch(log, /^client2 \| /);
    assertMatch(all, /^All lines: .*task logs \(\.cache\/up\.log\)$/);
    assertEquals(problems, "Problems found:");
  },
);

Deno.test(
  needs(LINUX, "deno task up --local says whom the draw waits for while nothing else happens"),
  async () => {
    await using copy = await ProjectCopy.make({ clients: 2, servers: 2 });
    copy.env.CLI_BATCH_SIZE = "10";
    await using up = copy.task("up", "--local");
    await up.line(/client2 .* action: config/);
    const { children } = await readRunRecord(copy.root);
    Deno.kill(children.at(-1)!, "SIGSTOP");
    await up.line(
      /^The draw waits for agency 2: [\d,]+ of 78,000 bets stored, 1 of 2 agencies closed/,
    );
    Deno.kill(children.at(-1)!, "SIGCONT");
    assertEquals(await up.ended(), 0, up.output());
  },
);

Deno.test(
  needs(LINUX, "deno task up --local --json prints one object a line, and the result last"),
  async () => {
    await using copy = await ProjectCopy.make({ clients: 2, servers: 2 });
    copy.env.CLI_BATCH_SIZE = "10";
    await using up = copy.task("up", "--local", "--no-board", "--json");
    await up.line(/"type":"status".*"bets":[1-9]\d*,"betsExpected":78000/);
    await killServer(copy, up, /server2 is back/);
    assertEquals(await up.ended(), 0, up.output());
    const reports = up.lines.map((line) => JSON.parse(line));
    assertEquals(
      new Set(reports.map(({ type }) => type)),
      new Set(["message", "status", "result"]),
    );
    const { agencies, bets, exitCode, incidents, type } = reports.at(-1);
    assertEquals([type, bets, exitCode], ["result", 78_000, 0]);
    assertEquals([agencies.length, incidents], [2, ["server2 was killed (137)"]]);
    const last = reports.findLast(({ type }) => type === "status");
    assertEquals(last.lottery.phase, "drawn");
  },
);

/** Removes what moves the cursor or clears. */
function withoutControls(line: string): string {
  // deno-lint-ignore no-control-regex
  return line.replaceAll(/\x1b\[\d*[A-Za-z]|\r/g, "");
}
