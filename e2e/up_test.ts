import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { needs } from "../testing/needs.ts";
import { Program } from "../testing/program.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { unlessNotFound } from "../tools/project.ts";
import { readRunRecord, runningPrograms } from "../tools/run/run_lock.ts";
import { assertStored, exerciseBets, readBets, winnersOf } from "./bets.ts";
import { mustRun } from "./faults/commands.ts";
import { STRACE, TMPFS } from "./faults/requirements.ts";
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
    await using bets = await exerciseBets();
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
    const [, record] = await up.line(
      /^The record of the draw: (server\/shared-volume\/draws\/.*)\/result\.txt$/,
    );
    await using verify = copy.task("verify", record.split("/").at(-1)!);
    assertEquals(await verify.ended(), 0, verify.output());
    await verify.line(/^audit logs: \d+ lines, each in its place$/);
    await verify.line(/^VERIFIED$/);

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
    assertEquals(children.length, 1 + 2 + 2, "the board, servers and clients");
    Deno.kill(pid, "SIGKILL");
    assertEquals(await second.ended(), 137, second.output());
    await using refused = copy.task("up", "--local");
    assertEquals(await refused.ended(), 1, refused.output());
    assertStringIncludes(refused.output(), "of an earlier run are still running");
    await using down = copy.task("down");
    assertEquals(await down.ended(), 0, down.output());
    // Those that lost a pipe with `up` and wrote to it have already ended.
    await down.line(/^Stopped [1-5] process(es)? of an earlier run$/);
    assertEquals(await runningPrograms(children), []);
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
      await using dataset = copy.task("dataset", "--bets", "20000", "--force", ...flags);
      assertEquals(await dataset.ended(), 0, dataset.output());
    };
    await makeBets();
    await using up = copy.task("up", "--local");
    assertEquals(await up.ended(), 0, up.output());

    await copy.setAgencies(3);
    await makeBets();
    // One bet a packet, and a line for each, so that it stops in the middle of the work.
    Object.assign(copy.env, { CLI_BATCH_SIZE: "1", LOGGING_LEVEL: "DEBUG" });
    await using second = copy.task("up", "--local");
    await second.line(/apuestas_almacenadas \| result: success/);
    second.signal("SIGTERM");
    assertEquals(await second.ended(), 143, second.output());
    await second.line(/^Archived the last draw to server\/shared-volume\/archive\//);

    await makeBets("--seed", "1");
    await using third = copy.task("up", "--local");
    assertEquals(await third.ended(), 1, third.output());
    assertStringIncludes(
      third.output(),
      "Cannot continue the unfinished draw: its bets",
    );

    await makeBets();
    Object.assign(copy.env, { CLI_BATCH_SIZE: "100", LOGGING_LEVEL: "INFO" });
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
    assertStringIncludes(third.output(), "missing: agency-2.csv");

    await Deno.rename(`${copy.root}/.data`, `${copy.root}/bets`);
    copy.env.DATASET = "bet";
    await using fourth = copy.task("up", "--local");
    assertEquals(await fourth.ended(), 1);
    assertStringIncludes(fourth.output(), `did you mean ${copy.root}/bets?`);
    assertStringIncludes(fourth.output(), "Correct DATASET in the environment");

    copy.env.DATASET = "${HOME}/bets";
    await using fifth = copy.task("up", "--local");
    assertEquals(await fifth.ended(), 2);
    assertStringIncludes(fifth.output(), `write DATASET=${Deno.env.get("HOME")}/bets`);
    assertEquals(await unlessNotFound(Deno.stat(copy.volume)), undefined);
  },
);

Deno.test(
  needs(PROCESSES, "deno task up --local stops at once while it checks the bets"),
  async () => {
    await using bets = tempFolder();
    // Five gigabytes to check, which takes much longer than the line about it.
    const rows = "Ana,Paz,30904465,1999-03-17,7574\n".repeat(600_000);
    await Deno.writeTextFile(`${bets.path}/all.txt`, rows);
    const agencies = 250;
    for (let agency = 1; agency <= agencies; agency++) {
      await Deno.symlink(`${bets.path}/all.txt`, `${bets.path}/agency-${agency}.csv`);
    }
    await using copy = await ProjectCopy.make({
      clients: agencies,
      servers: 1,
      dataset: bets.path,
    });
    await using up = copy.task("up", "--local");
    await up.line(/^Checking the bets of all agencies …$/);
    up.signal("SIGINT");
    assertEquals(await up.ended(), 130, up.output());
    // After the check it would say that the stored bets stay.
    await up.line(/^Stopped before anything was started$/);
  },
);

Deno.test(
  needs(PROCESSES, "deno task up --local finds the invalid bets of all agencies before it starts"),
  async () => {
    await using copy = await ProjectCopy.make({ clients: 3, servers: 2, dataset: ".data" });
    await using dataset = copy.task("dataset", "--agencies", "3", "--bets", "2000");
    assertEquals(await dataset.ended(), 0, dataset.output());
    const append = (agency: number, text: string) =>
      Deno.writeTextFile(`${copy.root}/.data/agency-${agency}.csv`, text, { append: true });
    await append(1, "Ana,Gil,1,1990-02-30,1\r\nAna,Gil,1,1990-02-28,1\r\nAna,Gil\r\n");
    await append(3, "Ana,Gil,1,1990-02-28,10000\r\n");
    await using up = copy.task("up", "--local");
    assertEquals(await up.ended(), 1);
    await up.line(/correct these 3 faults in the agencies' files/);
    await up.line(/^ {2}- .*agency-1.csv:\d+: birthdate "1990-02-30" is not a calendar date/);
    await up.line(/^ {2}- .*agency-1.csv:\d+: last name "Gil/);
    await up.line(/^ {2}- .*agency-3.csv:\d+: number "10000" is over 9999/);
    assertEquals(up.count(/action:/), 0);
    assertEquals(await unlessNotFound(Deno.stat(copy.volume)), undefined);
  },
);

Deno.test(
  needs(
    PROCESSES,
    "deno task up --local starts a killed server again, and succeeds although it was killed",
  ),
  async () => {
    await using copy = await ProjectCopy.make({ clients: 2, servers: 3 });
    // Small packets, so that the signals come in the middle of the work.
    copy.env.CLI_BATCH_SIZE = "10";
    await using up = copy.task("up", "--local", "--no-board");
    await up.line(/client2 .* action: config/);
    // The servers were started first. The run waits for the paused client.
    const { children } = await readRunRecord(copy.root);
    Deno.kill(children.at(-1)!, "SIGSTOP");
    Deno.kill(children[1], "SIGKILL");
    await up.line(/^server2 \| server2 was killed \(137\)\. Starting it again$/);
    await up.line(/^server2 \| server2 listens again$/);
    Deno.kill(children.at(-1)!, "SIGCONT");
    assertEquals(await up.ended(), 0, up.output());
    await up.line(
      /^All bets are stored, and every agency knows its winners, although server2 was killed \(137\)$/,
    );
    await up.line(/ in \d+\.\d s; all bets are samples$/);
  },
);

Deno.test(
  needs(
    [...PROCESSES, ...STRACE],
    "deno task up --local does not restart a server whose disk failed to sync, and says so",
  ),
  async () => {
    await using copy = await ProjectCopy.make({ clients: 2, servers: 2 });
    await using dataset = copy.task("dataset", "--bets", "20000");
    assertEquals(await dataset.ended(), 0, dataset.output());
    // One bet a packet, and a line for each, so that the disk fails in the middle of the work.
    Object.assign(copy.env, { CLI_BATCH_SIZE: "1", LOGGING_LEVEL: "DEBUG" });
    await using up = copy.task("up", "--local", "--no-board");
    const [, name] = await up.line(/^(server\d) \| .* apuestas_almacenadas \| result: success/);
    const { children } = await readRunRecord(copy.root);
    const pid = children[Number(name.at(-1)) - 1];
    await using _strace = new Program({
      name: "strace",
      command: "strace",
      args: ["-f", "-qq", "-e", "inject=fdatasync:error=EIO", "-p", String(pid)],
    });
    await up.line(
      /^server\d \| server\d ended with exit code 1 and is not started again: its ledger failed$/,
    );
    assertEquals(await up.ended(), 0, up.output());
    assertEquals(up.count(/ action: listen \| result: success/), 2);
    await up.line(
      /, although server\d ended with exit code 1 and was not started again: .*Input\/output error/,
    );

    // Nothing moves on that disk until an operator has looked at it.
    await using second = copy.task("up", "--local");
    assertEquals(await second.ended(), 1, second.output());
    await second.line(/^Cannot start: the disk has failed before, as disk-failure.json/);
    await assertRejects(() => Deno.stat(`${copy.volume}/archive`), Deno.errors.NotFound);
  },
);

Deno.test(
  needs(
    PROCESSES,
    "deno task up --local names a killed client, stops the others, and shows what is not known",
  ),
  async () => {
    await using copy = await ProjectCopy.make({ clients: 2, servers: 2 });
    // Small packets, so that the signal comes in the middle of the work.
    copy.env.CLI_BATCH_SIZE = "10";
    await using up = copy.task("up", "--local");
    await up.line(/client2 .* action: config/);
    // The last client was started last.
    const { children } = await readRunRecord(copy.root);
    Deno.kill(children.at(-1)!, "SIGKILL");
    assertEquals(await up.ended(), 1, up.output());
    await up.line(/^ {2}- client2 ended with exit code 137 \(killed by a signal\)$/);
    await up.line(/^ {2}- client1 was stopped before the draw$/);
    const [first, second, total] = tableOf(up.lines);
    assert(/^\d+$/.test(first[3]) && first[1] === first[2], up.output());
    assertEquals([second[1], second[3], total[1], total[3]], ["–", "–", "–", "–"]);
  },
);

Deno.test(
  needs(PROCESSES, "deno task up --local compares documents exactly, whatever they contain"),
  async () => {
    await using bets = tempFolder();
    const documents = [
      " 1 ",
      "\u00a02\u00a0",
      "3|4",
      '"5"',
      " | 6 | ",
      "\ufeff7",
      "8, 9",
      "\\u0030",
    ];
    const rows = documents.map((text) =>
      `Ana,Gil,"${text.replaceAll('"', '""')}",1990-01-31,7574\r\n`
    );
    await Deno.writeTextFile(`${bets.path}/agency-1.csv`, rows.join(""));
    await using copy = await ProjectCopy.make({ clients: 1, servers: 1, dataset: bets.path });
    await using up = copy.task("up", "--local");
    assertEquals(await up.ended(), 0, up.output());
    assertEquals(tableOf(up.lines)[0].slice(0, 4), ["1", "8", "8", "8"]);
    const result = await Deno.readTextFile(`${copy.root}/.cache/results/client1.json`);
    assertEquals(JSON.parse(result).winners, documents);
  },
);

Deno.test(
  needs(
    [...PROCESSES, ...TMPFS],
    "deno task up --local says that there is no space left on the disk",
  ),
  async () => {
    await using copy = await ProjectCopy.make({ clients: 2, servers: 2 });
    await Deno.mkdir(copy.volume);
    mustRun("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", copy.volume]);
    try {
      await using up = copy.task("up", "--local");
      assertEquals(await up.ended(), 1, up.output());
      await up.line(
        /^ {2}- client\d ended with exit code 4 .* the server refused: .*No space left on device \(os error 28\)$/,
      );
      const table = tableOf(up.lines);
      const stored = Number(table.at(-1)?.[2]);
      assert(stored > 1000, up.output());
      assertEquals(table.at(-1)?.slice(1, 4), ["–", String(stored), "–"]);
    } finally {
      mustRun("umount", [copy.volume]);
    }
  },
);
