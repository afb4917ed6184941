import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { StatusReport } from "../shared/status/report.ts";
import { HTTP_LIMITS } from "../server/status/http.ts";
import { startClient } from "../testing/clients.ts";
import { LineConnection } from "../testing/line_connection.ts";
import { fileResource, needs } from "../testing/needs.ts";
import { Program } from "../testing/program.ts";
import { type RestartableServer, ServerGroup } from "../testing/servers.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { describeView, type LotteryView } from "../shared/status/lottery_view.ts";
import { LOOPBACK } from "../tools/run/loopback.ts";
import { assertStored, readBets, sampleBets } from "./bets.ts";
import { ProjectCopy } from "./project_copy.ts";

const PROCESSES = ["posix", "run", "net", "read", "write", "env"] as const;
const PATIENCE_MS = 30_000;
/** Containers have to be built, and a busy machine is slow. */
const CONTAINERS_MS = 300_000;

async function report(server: RestartableServer): Promise<StatusReport> {
  return JSON.parse((await server.status("/status")).text);
}

/** Asks for a path until the answer is the expected one. */
async function untilAnswer(
  server: RestartableServer,
  path: string,
  isExpected: (answer: { code: number; text: string }) => boolean,
): Promise<string> {
  const startMs = performance.now();
  for (;;) {
    const answer = await server.status(path);
    if (isExpected(answer)) return answer.text;
    if (performance.now() - startMs > PATIENCE_MS) throw new Error(`${path} says ${answer.text}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

Deno.test({
  ...needs(PROCESSES, "each server shows the whole lottery, and what it has stored itself"),
  fn: async () => {
    await using bets = await sampleBets({ agencies: 3, bets: 600 });
    await using group = await ServerGroup.start({
      servers: 2,
      agencies: 3,
      hasStatus: true,
      env: { LOTTERY_WINNER_NUMBER: "1234" },
    });
    for (const server of group.servers) {
      assertEquals((await server.status("/livez")).code, 200);
      await untilAnswer(server, "/readyz", ({ code }) => code === 200);
      assertEquals((await report(server)).lottery!.phase, "betting");
    }
    const counts = (await readBets(bets)).map((rows) => rows.length);
    const agencies = [1, 2, 3].map((agency) =>
      startClient({ agency, address: group.address, data: bets.path })
    );
    for (const agency of agencies) assertEquals(await agency.ended(), 0, agency.output());
    const drawn = ({ text }: { text: string }) => text.includes('"phase":"drawn"');
    const reports: StatusReport[] = [];
    for (const server of group.servers) {
      reports.push(JSON.parse(await untilAnswer(server, "/status", drawn)));
    }
    for (const { server, lottery, connections } of reports) {
      assertEquals([server.state, server.port], ["serving", group.address.port]);
      assertEquals(server.host, Deno.hostname());
      assertEquals([lottery!.bets, lottery!.closed, lottery!.winningNumber], [600, 3, 1234]);
      assertEquals(lottery!.agencies.map(({ bets }) => bets), counts);
      assertEquals(connections!.placesMax, 512);
    }
    assertEquals(reports[0].lottery!.id, reports[1].lottery!.id);
    assertEquals(reports[0].ledger!.bets + reports[1].ledger!.bets, 600);
    const metrics = await group.servers[0].status("/metrics");
    assertStringIncludes(metrics.text, `\nlottery_agency_bets{agency="2"} ${counts[1]}\n`);
    const list = group.servers.map(({ name, statusPort }) => `${name}=127.0.0.1:${statusPort}`);
    await using status = new Program({
      name: "status",
      args: ["run", "-A", "tools/status.ts", "--servers", list.join()],
    });
    assertEquals(await status.ended(), 0, status.output());
    assertEquals(status.count(/^server[12] +● up/), 2, status.output());
    assertEquals(await group.stop(), [0, 0]);
  },
});

Deno.test({
  ...needs(PROCESSES, "a server that has nothing to do is not ready while another keeps the lock"),
  fn: async () => {
    await using group = await ServerGroup.start({ servers: 1, agencies: 2, hasStatus: true });
    const [server] = group.servers;
    await untilAnswer(server, "/readyz", ({ code }) => code === 200);
    {
      using bets = await Deno.open(`${group.volume}/bets.csv`);
      await bets.lock(true);
      const text = await untilAnswer(server, "/readyz", ({ code }) => code === 503);
      assertStringIncludes(text, "the lock of bets.csv was not to be had");
      // It goes on to say what it knows.
      assertEquals((await server.status("/livez")).code, 200);
      assertEquals((await report(server)).server.ready, false);
    }
    await untilAnswer(server, "/readyz", ({ code }) => code === 200);
  },
});

Deno.test({
  ...needs(
    PROCESSES,
    "a server says that it is alive, and not ready, while it waits for its ledger",
  ),
  fn: async () => {
    await using group = new ServerGroup({ servers: 1, agencies: 2, hasStatus: true });
    using bets = await Deno.open(`${group.volume}/bets.csv`, { create: true, write: true });
    await bets.lock(true);
    const [server] = group.servers;
    const starting = server.start();
    const [, port] = await server.process.line(/action: status .*port: (\d+)/);
    server.statusPort = Number(port);
    assertEquals((await server.status("/livez")).code, 200);
    assertStringIncludes((await server.status("/readyz")).text, "opening its ledger");
    bets.unlockSync();
    await starting;
    await untilAnswer(server, "/readyz", ({ code }) => code === 200);
  },
});

Deno.test({
  ...needs(PROCESSES, "hostile clients of the status port do not keep agencies from storing bets"),
  fn: async () => {
    await using group = await ServerGroup.start({ servers: 1, agencies: 2, hasStatus: true });
    const [server] = group.servers;
    const crowd = Array.from({ length: 3 * HTTP_LIMITS.connectionsMax }, async (_, index) => {
      using connection = await Deno.connect({ hostname: LOOPBACK, port: server.statusPort });
      const text = ["", "GET /status HTTP/1.1\r\nHost:", "x".repeat(100_000)][index % 3];
      try {
        await connection.write(new TextEncoder().encode(text));
        while (await connection.read(new Uint8Array(100)) !== null);
      } catch {
        // The server has ended it.
      }
    });
    using connection = await LineConnection.open(group.address);
    for (let bet = 0; bet < 50; bet++) {
      const answer = await connection.ask(`StoreBet:1;Ana;Paz;${bet};1980-01-01;1\n`);
      assertEquals(answer, "StoreResponse:0");
    }
    await Promise.all(crowd);
    await untilAnswer(server, "/readyz", ({ code }) => code === 200);
    assert(server.process.isRunning);
  },
});

Deno.test({
  ...needs(
    PROCESSES,
    "deno task restart restarts all servers while agencies send bets, and no agency fails",
  ),
  fn: async () => {
    await using bets = await sampleBets({ agencies: 4, bets: 20_000 });
    await using copy = await ProjectCopy.make({ clients: 4, servers: 3, dataset: bets.path });
    // Small packets, so that it is in the middle of the work.
    copy.env.CLI_BATCH_SIZE = "2";
    await using up = copy.task("up", "--local");
    await up.line(/client1 .* action: config/);
    await using restart = copy.task("restart");
    assertEquals(await restart.ended(), 0, restart.output());
    const restarted = [1, 2, 3].map((server) => `server${server} was restarted, and is ready`);
    assertEquals(restart.lines.filter((line) => line.includes("restarted")), restarted);
    assertEquals(await up.ended(), 0, up.output());
    assertEquals(up.count(/server\d +\| server\d was restarted/), 3);
    // The servers stopped in order, and nothing was reported as a failure.
    assert(up.lines.at(-1)!.endsWith("every agency knows its winners"), up.lines.at(-1));
    await assertStored(copy.volume, await readBets(bets));
    await using none = copy.task("restart");
    assertEquals(await none.ended(), 1);
    assertStringIncludes(none.output(), "No server runs");
  },
});

Deno.test({
  ...needs(
    PROCESSES,
    "deno task status shows the lottery that runs, and later the one on the volume",
  ),
  fn: async () => {
    await using bets = await sampleBets({ agencies: 2, bets: 4000 });
    await using copy = await ProjectCopy.make({ clients: 2, servers: 2, dataset: bets.path });
    const view = async (): Promise<LotteryView> => {
      await using status = copy.task("status", "--json");
      assertEquals(await status.ended(), 0, status.output());
      return JSON.parse(status.lines.find((line) => line.startsWith("{"))!);
    };
    assertEquals(
      describeView(await view()),
      "There is no lottery: nothing runs, and the volume is empty",
    );
    copy.env.CLI_BATCH_SIZE = "1";
    await using up = copy.task("up", "--local");
    await up.line(/client2 .* action: config/);
    const running = await view();
    assertEquals(running.source, "servers");
    assertEquals(running.servers.map(({ name, state }) => [name, state]), [
      ["server1", "serving"],
      ["server2", "serving"],
    ]);
    const counts = (await readBets(bets)).map((rows) => rows.length);
    assertEquals(running.agencies.map(({ betsExpected }) => betsExpected), counts);
    assertEquals(await up.ended(), 0, up.output());
    const { source, lottery, agencies, servers } = await view();
    assertEquals([source, lottery!.phase, lottery!.winningNumber], ["volume", "drawn", 7574]);
    assertEquals(agencies.map(({ bets }) => bets), counts);
    assertEquals(servers, []);
    await using panel = copy.task("status");
    assertEquals(await panel.ended(), 0);
    assert(
      panel.lines.every((line) => line.length <= 80 && !line.includes("\x1b")),
      panel.output(),
    );
    assertStringIncludes(panel.output(), "Drawn: number 7574, 4,000 bets stored; no server runs");
  },
});

Deno.test({
  ...needs(
    [...PROCESSES, fileResource("/bin/bash", "bash")],
    "server/health.sh succeeds if the server is ready, says why not, and needs no bash",
  ),
  fn: async () => {
    await using group = await ServerGroup.start({ servers: 1, agencies: 2, hasStatus: true });
    const [server] = group.servers;
    const check = async (env: Record<string, string>) => {
      await using health = new Program({
        name: "health",
        command: "/bin/sh",
        args: ["server/health.sh", "/bin/echo", "another check"],
        env: { STATUS_PORT: String(server.statusPort), ...env },
      });
      return [await health.ended(), ...health.lines];
    };
    await untilAnswer(server, "/readyz", ({ code }) => code === 200);
    assertEquals(await check({}), [0]);
    {
      using bets = await Deno.open(`${group.volume}/bets.csv`);
      await bets.lock(true);
      await untilAnswer(server, "/readyz", ({ code }) => code === 503);
      const [code, reason] = await check({});
      assertEquals(code, 1);
      assertStringIncludes(String(reason), "not ready: the lock of bets.csv was not to be had");
    }
    await using empty = tempFolder();
    assertEquals(await check({ PATH: empty.path }), [0, "another check"]);
    await server.process.stop();
    assertEquals((await check({}))[0], 1);
  },
});

Deno.test({
  ...needs(
    [...PROCESSES, "docker"],
    "deno task status and restart find servers in containers, which are healthy by /readyz",
  ),
  fn: async () => {
    await using bets = await sampleBets({ agencies: 2, bets: 20_000 });
    await using copy = await ProjectCopy.make({ clients: 2, servers: 2, dataset: bets.path });
    copy.env.CLI_BATCH_SIZE = "2";
    await using up = copy.task("up");
    await up.line(/client1 .* action: config/, CONTAINERS_MS);
    await using status = copy.task("status", "--json");
    assertEquals(await status.ended(), 0, status.output());
    const view: LotteryView = JSON.parse(status.lines.find((line) => line.startsWith("{"))!);
    assertEquals(view.servers.map(({ name, state, ready }) => [name, state, ready]), [
      ["server1", "serving", true],
      ["server2", "serving", true],
    ]);
    await using restart = copy.task("restart");
    assertEquals(await restart.ended(CONTAINERS_MS), 0, restart.output());
    assertEquals(restart.count(/^server[12] was restarted, and is ready after/), 2);
    assertEquals(await up.ended(CONTAINERS_MS), 0, up.output());
    await assertStored(copy.volume, await readBets(bets));
  },
});
