import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { LineConnection } from "../testing/line_connection.ts";
import { serverEnvironment } from "../testing/lottery_environment.ts";
import { needs } from "../testing/needs.ts";
import { freePort } from "../testing/ports.ts";
import { Program } from "../testing/program.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { serverFlags } from "../tools/run/permissions.ts";
import { PROJECT_ROOT } from "../tools/project.ts";
import { LOOPBACK, LOOPBACK_BROADCAST } from "../tools/run/loopback.ts";

const PROCESSES = ["posix", "run", "net", "read", "write", "env"] as const;

/** Starts a server on a volume, through a shell that may set limits first. */
function startServer(volume: string, limits = ""): Program {
  const permissions = serverFlags({
    config: `${PROJECT_ROOT}/server/config.ini`,
    sharedVolume: volume,
    network: { listenIp: LOOPBACK, port: 0, broadcastIp: LOOPBACK_BROADCAST, broadcastPort: 0 },
  });
  const deno = [Deno.execPath(), "run", "--quiet", "--no-code-cache", ...permissions];
  return new Program({
    name: "server",
    command: "sh",
    args: ["-c", `${limits} exec "$@"`, "sh", ...deno, "server/main.ts"],
    env: serverEnvironment({ port: 0, broadcastPort: 0, agencies: 5, volume }),
  });
}

Deno.test({
  ...needs(
    PROCESSES,
    "server/main.ts ends in order when it is stopped while it waits for the lock",
  ),
  fn: async () => {
    await using folder = tempFolder();
    using bets = await Deno.open(`${folder.path}/bets.csv`, { create: true, write: true });
    await bets.lock(true);
    await using server = startServer(folder.path);
    await server.line(/action: config/);
    // It has not logged that it listens, and cannot.
    await server.line(/action: lock \| result: in_progress/);
    server.signal("SIGTERM");
    assertEquals(await server.ended(), 0);
    assertStringIncludes(server.lines.at(-1)!, "action: shutdown | result: success");
  },
});

Deno.test({
  ...needs(PROCESSES, "server/main.ts refuses bets beyond a limit of file sizes, and goes on"),
  fn: async () => {
    await using folder = tempFolder();
    // In blocks of 512 or 1024 bytes. Deno's cache must stay below it: the shared one may be larger.
    const limits = `export DENO_DIR='${folder.path}/cache'; ulimit -f 4000;`;
    await using server = startServer(folder.path, limits);
    const [, port] = await server.line(/action: listen .*port: (\d+)/);
    using connection = await LineConnection.open({ hostname: LOOPBACK, port: Number(port) });
    const bets = (count: number) =>
      Array.from({ length: count }, (_, index) => `Ana;Paz;${index};1980-01-01;1`).join(":");
    assertEquals(await connection.ask(`StoreBatch:1;${bets(10)}\n`), "StoreResponse:0");
    const batch = `StoreBatch:1;${bets(2500)}\n`;
    const answers: string[] = [];
    while (answers.at(-1) !== "StoreResponse:1" && answers.length * batch.length < 5e6) {
      answers.push(await connection.ask(batch));
    }
    assertEquals(answers.at(-1), "StoreResponse:1", "the limit was not reached");
    assertEquals(await connection.ask(`StoreBet:1;${bets(1)}\n`), "StoreResponse:0");
    assert(server.lines.some((line) => line.includes("File too large")));
  },
});

/** Starts a server as on a machine on which npm is out of reach and nothing has been fetched yet. */
function startWithoutNpm(volume: string, env?: Record<string, string>): Program {
  const nobody = freePort("tcp");
  return new Program({
    name: "server",
    args: ["run", "-A", "server/main.ts"],
    env: {
      ...serverEnvironment({ port: 0, broadcastPort: 0, agencies: 5, volume }),
      DENO_DIR: `${volume}/cache`,
      NPM_CONFIG_REGISTRY: `http://${LOOPBACK}:${nobody}/`,
      ...env,
    },
  });
}

Deno.test({
  ...needs(PROCESSES, "server/main.ts keeps bets in files where npm is out of reach"),
  fn: async () => {
    await using folder = tempFolder();
    const { path: volume } = folder;
    await using server = startWithoutNpm(volume);
    const [, port] = await server.line(/action: listen .*port: (\d+)/);
    using connection = await LineConnection.open({ hostname: LOOPBACK, port: Number(port) });
    assertEquals(
      await connection.ask("StoreBet:1;Ana;Paz;1;1980-01-01;1\n"),
      "StoreResponse:0",
    );
    assert(!server.lines.some((line) => /npm|nats/i.test(line)), server.tail());
  },
});

Deno.test({
  ...needs(PROCESSES, "server/main.ts says that it lacks the packages of JetStream"),
  fn: async () => {
    await using folder = tempFolder();
    const { path: volume } = folder;
    await using server = startWithoutNpm(volume, { LEDGER: `nats://${LOOPBACK}` });
    const [, error] = await server.line(/action: start \| result: fail \| error: (.*)/);
    assertStringIncludes(error, "Cannot load the client of NATS");
    assertStringIncludes(error, "npm");
    assertEquals(await server.ended(), 1);
  },
});
