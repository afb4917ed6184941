import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { LotteryView } from "../shared/status/lottery_view.ts";
import { NatsCluster } from "../testing/nats_cluster.ts";
import { natsServers } from "../testing/nats_server.ts";
import { needs } from "../testing/needs.ts";
import type { Program } from "../testing/program.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { unlessNotFound } from "../tools/project.ts";
import { readRunRecord, runningPrograms } from "../tools/run/run_lock.ts";
import { assertStored, exerciseBets, readBets, sampleBets, winnersOf } from "./bets.ts";
import { type CopyOptions, ProjectCopy } from "./project_copy.ts";

/** Elections take seconds, and three nodes on a busy machine their time. */
const SLOW_MS = 180_000;
const NODES = ["run", "write", "env", "natsServer"] as const;

/** Returns a copy of the project whose ledger is on three nodes of its own. */
async function copyWithNodes(options: CopyOptions): Promise<ProjectCopy> {
  const copy = await ProjectCopy.make(options);
  await copy.edit(".env", [/^LEDGER=.*/m, "LEDGER=jetstream"]);
  // Nodes of version 2.10 do not always find each other by themselves, which takes up time: docs/reliability.md.
  copy.env.NATS_SERVER = natsServers().at(-1)!.path;
  return copy;
}

/** Returns the first four cells of the rows of the report's table, without the total. */
function tableOf({ lines }: Program): string[][] {
  const head = lines.findLastIndex((line) => line.startsWith("agency  bets sent"));
  const rows = lines.slice(head + 1);
  return rows.slice(0, rows.indexOf("") - 1).map((row) => row.trim().split(/ {2,}/).slice(0, 4));
}

/** Runs a task that must succeed. Returns what it prints. */
async function succeed(copy: ProjectCopy, name: string, ...args: string[]): Promise<string> {
  await using task = copy.task(name, ...args);
  assertEquals(await task.ended(SLOW_MS), 0, task.output());
  return task.lines.join("\n");
}

/** Runs a task that must fail. Returns what it prints. */
async function fail(
  copy: ProjectCopy,
  code: number,
  ...[name, ...args]: string[]
): Promise<string> {
  await using task = copy.task(name, ...args);
  assertEquals(await task.ended(SLOW_MS), code, task.output());
  return task.lines.join("\n");
}

Deno.test({
  ...needs(
    NODES,
    "deno task up --local runs the whole lottery on three nodes of JetStream, and other tasks read the streams",
  ),
  fn: async (test) => {
    await using bets = await exerciseBets();
    const rows = await readBets(bets);
    const winners = winnersOf(rows);
    const table = rows.map(({ length }, index) =>
      [index + 1, length, length, winners[index].length].map(String)
    );
    await using copy = await copyWithNodes({ clients: 5, servers: 3, dataset: bets.path });
    await using folder = tempFolder();

    await test.step("up stores all bets, and stops the nodes at the end", async () => {
      await using up = copy.task("up", "--local");
      assertEquals(await up.ended(SLOW_MS), 0, up.output());
      await up.line(/^The nodes are ready: nats:\/\/127\.0\.0\.1:\d+,/);
      assertEquals(tableOf(up), table);
      await up.line(/^All bets are stored, and every agency knows its winners$/);
      assertEquals(up.count(/^node\d +\| \[/), 0, "details of nodes are for the log alone");
      assertStringIncludes(
        await Deno.readTextFile(`${copy.root}/.cache/up.log`),
        "Server is ready",
      );
      assertEquals(await unlessNotFound(Deno.stat(`${copy.volume}/bets.csv`)), undefined);
    });

    await test.step("check, without up, starts the nodes and finds the streams sound", async () => {
      const report = await succeed(copy, "check");
      assertStringIncludes(report, "draw: complete, all 5 agencies have closed\nSOUND");
      for (const [index, { length }] of rows.entries()) {
        assert(new RegExp(`^ +${index + 1} +${length}  yes$`, "m").test(report), report);
      }
      const data = `${bets.path}/agency-2.csv`;
      assertStringIncludes(
        await succeed(copy, "check", "--data", data, "--agency", "2"),
        "SAME: every bet",
      );
      const other = await fail(copy, 6, "check", "--data", data, "--agency", "3");
      assertStringIncludes(other, "DIFFERENT");
      assertStringIncludes(other, "row 1 of message ");
    });

    await test.step("verify finds what the certificate states, audit logs of all servers included", async () => {
      assert(/^audit logs: \d+ lines.*\nVERIFIED$/m.test(await succeed(copy, "verify")));
      const servers = await Array.fromAsync(Deno.readDir(`${copy.volume}/audit`));
      assertEquals(servers.map(({ name }) => name).sort(), ["server1", "server2", "server3"]);
    });

    await test.step("status, without up, shows what is in the streams", async () => {
      const printed = await succeed(copy, "status", "--json");
      const line = printed.split("\n").find((line) => line.startsWith("{"))!;
      const { source, lottery, agencies }: LotteryView = JSON.parse(line);
      assertEquals([source, lottery?.phase, lottery?.winningNumber], ["streams", "drawn", 7574]);
      assertEquals(agencies.map(({ bets }) => bets), rows.map(({ length }) => length));
    });

    await test.step("export writes the files of a ledger in files, and never overwrites any", async () => {
      const to = `${folder.path}/export`;
      await succeed(copy, "export", "--to", to);
      await assertStored(to, rows);
      const closed = await Deno.readTextFile(`${to}/agencies_closed.txt`);
      assertEquals(closed.trim().split("\n").sort(), ["1", "2", "3", "4", "5"]);
      const files = await Array.fromAsync(Deno.readDir(to));
      assertEquals(files.length, 2, "nothing else is left there");
      assertStringIncludes(await fail(copy, 1, "export", "--to", to), "bets.csv is there");
      assertStringIncludes(await succeed(copy, "check", "--volume", to), "SOUND");
    });

    await test.step("a second up begins a new draw, and keeps the streams of the last one", async () => {
      await using up = copy.task("up", "--local");
      assertEquals(await up.ended(SLOW_MS), 0, up.output());
      await up.line(
        /^Began a new draw\. The last one stays in the streams LOTTERY_[0-9a-f]{8}_0 to/,
      );
      assertEquals(tableOf(up), table);
    });

    await test.step("reset begins a new draw, and only one", async () => {
      assertStringIncludes(await succeed(copy, "reset"), "; the last one stays in the streams ");
      assertStringIncludes(await succeed(copy, "reset"), "is empty: it stays the current one");
      assertStringIncludes(await succeed(copy, "check"), "0 of 5 agencies have closed");
    });

    await test.step("doctor says whether nodes could be started", async () => {
      await using doctor = copy.task("doctor");
      await doctor.ended(SLOW_MS);
      await doctor.line(
        /^note +nodes +not running: .* up starts them \(as processes: nats-server /,
      );
    });
  },
});

Deno.test({
  ...needs(
    NODES,
    "deno task up --local on JetStream stops its nodes on SIGTERM, and resumes with the same bets alone",
  ),
  fn: async () => {
    await using bets = await sampleBets({ agencies: 2 });
    await using copy = await copyWithNodes({ clients: 2, servers: 2, dataset: bets.path });
    // Small packets, so that it stops in the middle of the work.
    copy.env.CLI_BATCH_SIZE = "2";
    await using up = copy.task("up", "--local");
    await up.line(/client1 .* action: config/, SLOW_MS);
    await up.line(/client2 .* action: config/, SLOW_MS);
    assertStringIncludes(await fail(copy, 1, "reset"), "The lottery is already running");
    const { children } = await readRunRecord(copy.root);
    assertEquals(children.length, 3 + 1 + 2 + 2, "nodes, the board, servers and clients");
    up.signal("SIGTERM");
    assertEquals(await up.ended(SLOW_MS), 143, up.output());
    assertEquals(await runningPrograms(children), []);

    delete copy.env.CLI_BATCH_SIZE;
    await using others = await sampleBets({ agencies: 2, seed: 7 });
    copy.env.DATASET = others.path;
    const refused = await fail(copy, 1, "up", "--local");
    assertStringIncludes(refused, "Cannot continue the unfinished draw: its bets of agency ");
    delete copy.env.DATASET;
    await using second = copy.task("up", "--local");
    assertEquals(await second.ended(SLOW_MS), 0, second.output());
    await second.line(/^Continuing the unfinished draw$/);
  },
});

Deno.test({
  ...needs(
    NODES,
    "deno task up --local starts a killed node again, and succeeds although it was killed",
  ),
  fn: async () => {
    await using copy = await copyWithNodes({ clients: 2, servers: 2 });
    copy.env.CLI_BATCH_SIZE = "20";
    await using up = copy.task("up", "--local");
    await up.line(/client2 .* action: config/, SLOW_MS);
    const { children } = await readRunRecord(copy.root);
    // The run waits for the paused client.
    Deno.kill(children.at(-1)!, "SIGSTOP");
    Deno.kill(children[1], "SIGKILL");
    await up.line(/^node2 +\| node2 was killed \(137\)\. Starting it again$/);
    await up.line(/^node2 +\| node2 listens again$/);
    Deno.kill(children.at(-1)!, "SIGCONT");
    assertEquals(await up.ended(SLOW_MS), 0, up.output());
    await up.line(/ every agency knows its winners, although node2 was killed \(137\)$/);
  },
});

Deno.test({
  ...needs(NODES, "deno task down stops the nodes that a killed up has left"),
  fn: async () => {
    await using copy = await copyWithNodes({ clients: 1, servers: 1 });
    copy.env.CLI_BATCH_SIZE = "1";
    await using up = copy.task("up", "--local");
    await up.line(/client1 .* action: config/, SLOW_MS);
    const { pid, children } = await readRunRecord(copy.root);
    Deno.kill(pid, "SIGKILL");
    await up.ended(SLOW_MS);
    assertStringIncludes(
      await fail(copy, 1, "up", "--local"),
      "of an earlier run are still running",
    );
    const down = await succeed(copy, "down");
    // Those that lost a pipe with `up` and wrote to it have already ended.
    assertMatch(down, /Stopped [1-6] process(es)? of an earlier run/);
    assertEquals(await runningPrograms(children), []);
  },
});

Deno.test({
  ...needs(
    ["run", "write", "env"],
    "deno task up --local says how to get nats-server where there is none",
  ),
  fn: async () => {
    await using copy = await ProjectCopy.make({ clients: 1, servers: 1 });
    copy.env.NATS_SERVER = "/nowhere/nats-server";
    const refused = await fail(copy, 1, "up", "--local", "--ledger", "jetstream");
    assertStringIncludes(refused, "/nowhere/nats-server");
    assertStringIncludes(refused, "Install nats-server 2.14 or later");
    assertStringIncludes(await fail(copy, 2, "up", "--ledger", "kafka"), "LEDGER is");
    await copy.edit("server/config.ini", [/^\[DEFAULT\]$/m, "[DEFAULT]\nLEDGER = nats://a,b,c"]);
    assertStringIncludes(await fail(copy, 2, "up", "--local"), "write the same in both");
    assertStringIncludes(await fail(copy, 2, "check"), "Write the same in both");
  },
});

Deno.test({
  ...needs(
    NODES,
    "deno task up --ledger nats://… uses a cluster that is there, and starts no nodes",
  ),
  fn: async () => {
    await using cluster = await NatsCluster.start();
    await using bets = await sampleBets({ agencies: 2 });
    await using copy = await ProjectCopy.make({ clients: 2, servers: 2, dataset: bets.path });
    copy.env.LEDGER_NAME = "other-lottery";
    await using up = copy.task("up", "--local", "--ledger", cluster.environment.LEDGER);
    await up.line(/client2 .* action: config/, SLOW_MS);
    assertEquals((await readRunRecord(copy.root)).children.length, 1 + 2 + 2);
    assertEquals(await up.ended(SLOW_MS), 0, up.output());
    copy.env.LEDGER = cluster.environment.LEDGER;
    assertStringIncludes(await succeed(copy, "check"), "lottery: other-lottery, draw ");
    assert((await cluster.streamNames()).includes("OTHER-LOTTERY_DRAWS"));
    copy.env.LEDGER_MONITORING = cluster.nodes.map(({ monitoring }) => monitoring.address).join(
      ",",
    );
    await using doctor = copy.task("doctor");
    assertEquals(await doctor.ended(SLOW_MS), 0, doctor.output());
    await doctor.line(/^ok +node1 +nats-server \S+ at \S+ syncs every write/);
    await doctor.line(/^ok +nodes +all replicas of 5 streams have caught up$/);

    // The node of others has the port at which node1 of this checkout would be.
    const [, port] = cluster.nodes[0].monitoring.address.split(":");
    const env = { ...copy.env };
    Object.assign(copy.env, { LEDGER: "jetstream", NODE_PORT: String(Number(port) - 4000) });
    assertStringIncludes(
      await fail(copy, 1, "check"),
      "not of this checkout, node1, has one of the ports",
    );
    Object.assign(copy.env, env);

    cluster.nodes[2].pause();
    await using sick = copy.task("doctor");
    assertEquals(await sick.ended(SLOW_MS), 1, sick.output());
    await sick.line(/^fault +node +\S+ cannot be asked \(it does not answer within 3 s\)/);
  },
});
