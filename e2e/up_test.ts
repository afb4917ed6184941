import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { needs } from "../testing/needs.ts";
import { isAlive, readRunRecord } from "../tools/run/run_lock.ts";
import { assertStored, courseBets, readBets, winnersOf } from "./bets.ts";
import { ProjectCopy } from "./project_copy.ts";

const PROCESSES = ["run", "write", "env"] as const;

/** Returns the cells of the rows of the report's table, the total last. */
function tableOf(lines: string[]): string[][] {
  const head = lines.findLastIndex((line) => line.startsWith("agency "));
  const rows = lines.slice(head + 1);
  return rows.slice(0, rows.indexOf("")).map((row) => row.trim().split(/ {2,}/));
}

Deno.test(
  needs(
    PROCESSES,
    "deno task up --local runs the whole lottery, and archives it at the next start",
  ),
  async () => {
    await using bets = await courseBets();
    const rows = await readBets(bets);
    const winners = winnersOf(rows);
    await using copy = await ProjectCopy.make({ clients: 5, servers: 8, dataset: bets.path });
    await using up = copy.task("up", "--local");
    assertEquals(await up.ended(), 0, up.output());
    const table = tableOf(up.lines);
    assertEquals(
      table.slice(0, 5).map((row) => row.slice(0, 4)),
      rows.map(({ length }, index) =>
        [index + 1, length, length, winners[index].length].map(String)
      ),
    );
    await assertStored(copy.volume, rows);

    await using second = copy.task("up", "--local");
    assertEquals(await second.ended(), 0, second.output());
    await second.line(/^Archived the last draw to server\/shared-volume\/archive\//);
    assertEquals(tableOf(second.lines).slice(0, 5), table.slice(0, 5));
    const [archived] = await Array.fromAsync(Deno.readDir(`${copy.volume}/archive`));
    await assertStored(`${copy.volume}/archive/${archived.name}`, rows);

    await using logs = copy.task("logs", "client5");
    assertEquals(await logs.ended(), 0);
    assertMatch(logs.output(), /client5 \| .* action: consulta_ganadores \| result: success/);
    assertEquals(logs.output().includes("server1 |"), false);
  },
);

Deno.test(
  needs(PROCESSES, "deno task up --local stops on SIGTERM and resumes later, with sample bets"),
  async () => {
    await using copy = await ProjectCopy.make({ clients: 3, servers: 2 });
    // Small packets, so that it stops in the middle of the work.
    copy.env.CLI_BATCH_SIZE = "2";
    await using up = copy.task("up", "--local");
    await up.line(/no bets found, so 78000 sample bets were made/);
    await up.line(/client1 .* action: config/);
    await using refused = copy.task("reset");
    assertEquals(await refused.ended(), 1);
    assertStringIncludes(refused.output(), "The lottery is already running");
    await using down = copy.task("down");
    assertEquals(await down.ended(), 0, down.output());
    assertEquals(await up.ended(), 143, up.output());

    copy.env.CLI_BATCH_SIZE = "100";
    await using second = copy.task("up", "--local");
    assertEquals(await second.ended(), 0, second.output());
    await second.line(/^Continuing the unfinished draw/);
    const total = tableOf(second.lines).at(-1) ?? [];
    assertEquals(total.slice(0, 3), ["all", "78000", "78000"]);

    await using reset = copy.task("reset");
    assertEquals(await reset.ended(), 0, reset.output());
    await reset.line(/^Archived the draw to server\/shared-volume\/archive\//);
  },
);

Deno.test(
  needs(
    PROCESSES,
    "deno task up --local treats a duplicate SIGINT as one, and down stops what a killed run left",
  ),
  async () => {
    await using copy = await ProjectCopy.make({ clients: 2, servers: 2 });
    // Small packets, so that it stops in the middle of the work.
    copy.env.CLI_BATCH_SIZE = "1";
    await using up = copy.task("up", "--local");
    await up.line(/client1 .* action: config/);
    // A terminal sends it to `deno task` and to its child, and `deno task` passes it on as well.
    up.signal("SIGINT");
    Deno.kill((await readRunRecord(copy.root)).pid, "SIGINT");
    assertEquals(await up.ended(), 130, up.output());
    await up.line(/^Stopped\. The stored bets stay/);

    await using second = copy.task("up", "--local");
    await second.line(/client2 .* action: config/);
    const { pid, children } = await readRunRecord(copy.root);
    assertEquals(children.length, 4);
    Deno.kill(pid, "SIGKILL");
    assertEquals(await second.ended(), 137, second.output());
    await using refused = copy.task("up", "--local");
    assertEquals(await refused.ended(), 1, refused.output());
    assertStringIncludes(refused.output(), "of an earlier run are still running");
    await using down = copy.task("down");
    assertEquals(await down.ended(), 0, down.output());
    await down.line(/^Stopped 4 processes of an earlier run$/);
    assertEquals(children.some(isAlive), false);
  },
);

Deno.test(
  needs(
    PROCESSES,
    "deno task up --local archives a finished draw when CLIENTS changes, and resumes no draw with other bets",
  ),
  async () => {
    await using copy = await ProjectCopy.make({ clients: 2, servers: 2 });
    const makeBets = async (...flags: string[]) => {
      await using dataset = copy.task("dataset", "--bets", "300", "--force", ...flags);
      assertEquals(await dataset.ended(), 0, dataset.output());
    };
    await makeBets();
    await using up = copy.task("up", "--local");
    assertEquals(await up.ended(), 0, up.output());

    await copy.setAgencies(3);
    await makeBets();
    await Deno.writeTextFile(`${copy.root}/.data/agency-3.csv`, "none\r\n");
    await using second = copy.task("up", "--local");
    assertEquals(await second.ended(), 1, second.output());
    await second.line(/^Archived the last draw to server\/shared-volume\/archive\//);

    await makeBets("--seed", "1");
    await using third = copy.task("up", "--local");
    assertEquals(await third.ended(), 1, third.output());
    assertStringIncludes(
      third.output(),
      "Cannot continue the unfinished draw: its bets",
    );

    await makeBets();
    await using fourth = copy.task("up", "--local");
    assertEquals(await fourth.ended(), 0, fourth.output());
    await fourth.line(/^Continuing the unfinished draw/);
  },
);

Deno.test(
  needs(PROCESSES, "deno task up reports what is wrong before it starts anything"),
  async () => {
    await using copy = await ProjectCopy.make({ clients: 2, servers: 1 });
    await copy.edit(".env", [/^CLIENTS=.*/m, "CLIENTS=4"]);
    await using up = copy.task("up", "--local");
    assertEquals(await up.ended(), 2);
    assertStringIncludes(
      up.output(),
      "AGENCIES_AMOUNT is 2 in server/config.ini, and CLIENTS is 4",
    );
    await copy.edit(".env", [/^CLIENTS=.*/m, "CLIENTS=2"]);

    using listener = Deno.listen({ hostname: "127.0.0.1", port: copy.port });
    await using second = copy.task("up", "--local");
    assertEquals(await second.ended(), 1);
    assertStringIncludes(second.output(), `Port ${copy.port} of 127.0.0.1 is in use`);

    listener.close();
    await Deno.mkdir(`${copy.root}/.data`);
    await Deno.writeTextFile(`${copy.root}/.data/agency-1.csv`, "Ana,Gil,1,1990-02-28,1\r\n");
    await using third = copy.task("up", "--local");
    assertEquals(await third.ended(), 1);
    assertStringIncludes(third.output(), "agency-2.csv. Add these files");
  },
);

Deno.test(
  needs(
    PROCESSES,
    "deno task up --local names the agency whose bets are invalid, and stops the others",
  ),
  async () => {
    await using copy = await ProjectCopy.make({ clients: 2, servers: 2, dataset: ".data" });
    await using dataset = copy.task("dataset", "--agencies", "2", "--bets", "2000");
    assertEquals(await dataset.ended(), 0, dataset.output());
    await Deno.writeTextFile(`${copy.root}/.data/agency-2.csv`, "Ana,Gil,1,1990-02-30,1\r\n");
    await using up = copy.task("up", "--local");
    assertEquals(await up.ended(), 1);
    await up.line(
      /^ {2}- client2 ended with exit code 3 \(invalid bets\): .*agency-2.csv:1: birthdate "1990-02-30"/,
    );
    await up.line(/^ {2}- client1 was stopped before the draw$/);
  },
);
