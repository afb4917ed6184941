import { assertEquals } from "@std/assert";
import { needs } from "../testing/needs.ts";
import { Program } from "../testing/program.ts";
import { ProjectCopy } from "./project_copy.ts";

/** What shells, URLs, Deno's permissions and globs, and Docker read as something else than itself. */
const AWKWARD_NAME = "-a, b 'c' \"d\" `e` $HOME ${PATH} %20 #1 ?x=y *{z} ~ !! ;&|<>() ñ\n日本\n";

Deno.test(
  needs(
    ["posix", "run", "write", "env"],
    "every task works in a folder with an awkward name, without Docker",
  ),
  async (test) => {
    await using copy = await ProjectCopy.make({ clients: 2, servers: 2, name: AWKWARD_NAME });
    const { root } = copy;
    const tools = `${root}/../bin`;
    await Deno.mkdir(tools);
    // A docker that only records that it was asked.
    const asked = `${root}/../asked`;
    await Deno.writeTextFile(`${tools}/docker`, `#!/bin/sh\necho "$*" >>"$ASKED"\nexit 1\n`);
    await Deno.chmod(`${tools}/docker`, 0o755);
    await Deno.mkdir(`${root}/.data`);
    for (const agency of [1, 2]) {
      const bet = `Ana,Gil,${agency},1990-02-28,7574\r\n`;
      await Deno.writeTextFile(`${root}/.data/agency-${agency}.csv`, bet);
    }
    const task = (...args: string[]) =>
      new Program({
        name: `denow task ${args[0]}`,
        command: `${root}/denow`,
        args: ["task", ...args],
        cwd: root,
        env: {
          ASKED: asked,
          DENO: Deno.execPath(),
          PATH: `${tools}:${Deno.env.get("PATH")}`,
        },
      });

    await test.step("up --local stores all bets, and asks Docker nothing", async () => {
      await using up = task("up", "--local");
      assertEquals(await up.ended(), 0, up.output());
      await up.line(/^All bets are stored, and every agency knows its winners/);
      const question = await Deno.readTextFile(asked).catch(() => "nothing");
      assertEquals(question, "nothing");
    });

    const others: [args: string[], line: RegExp][] = [
      [["check"], /^SOUND$/],
      [["doctor"], /^ok +lock +flock excludes other processes/],
      [["compose"], /^docker-compose\.yaml: /],
      [["logs", "client1"], /^client1 .*consulta_ganadores/],
      [["reset"], /^Archived the draw to /],
      [["dataset", "--force", "--bets", "10"], /^10 bets in /],
      [["down"], /^Nothing was running$/],
    ];
    for (const [args, line] of others) {
      await test.step(args[0], async () => {
        await using program = task(...args);
        assertEquals(await program.ended(), 0, program.output());
        await program.line(line);
      });
    }
  },
);
