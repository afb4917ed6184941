import { assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { needs } from "../testing/needs.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { FakeLottery } from "./testing/fake_lottery.ts";
import { VERSION } from "./version.ts";

const MAIN = `${import.meta.dirname}/main.ts`;
const CONFIG = `${import.meta.dirname}/config.yaml`;
const PERMISSIONS = [
  "--allow-net",
  "--allow-read",
  "--allow-env=CLI_*,LOG_FORMAT,NOMBRE,APELLIDO,DOCUMENTO,NACIMIENTO,NUMERO",
  "--no-prompt",
];

/** Starts the client with the permissions of its compiled program, and further `flags`. */
function start(
  args: string[],
  env: Record<string, string> = {},
  flags: string[] = [],
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", ...PERMISSIONS, ...flags, MAIN, ...args],
    env: { CLI_CONFIG: CONFIG, ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function finish(child: Deno.ChildProcess) {
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

async function run(args: string[], env?: Record<string, string>) {
  return await finish(start(args, env));
}

/** Serves a lottery on a free port, on real sockets. */
function serve(lottery: FakeLottery): Disposable & { address: string } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const converse = async (connection: Deno.TcpConn) => {
    using open = connection;
    const handle = lottery.accept();
    const bytes = new Uint8Array(65536);
    let pending = "";
    for (;;) {
      const count = await open.read(bytes).catch(() => null);
      if (count === null) return;
      const packets = (pending + new TextDecoder().decode(bytes.subarray(0, count))).split("\n");
      pending = packets.pop()!;
      for (const packet of packets) {
        const reaction = handle(packet);
        if (reaction === "silence") continue;
        if (typeof reaction === "string") return;
        await open.write(new TextEncoder().encode(reaction.answer));
      }
    }
  };
  (async () => {
    for await (const connection of listener) void converse(connection);
  })();
  const { port } = listener.addr as Deno.NetAddr;
  return { address: `127.0.0.1:${port}`, [Symbol.dispose]: () => listener.close() };
}

async function makeFile(content: string): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempFile({ suffix: ".csv" });
  await Deno.writeTextFile(path, content);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path) };
}

const ROWS = Array.from({ length: 500 }, (_, index) => `Ana,Gil,${index},1999-01-31,${index}\r\n`);

Deno.test({
  ...needs(
    ["run", "net", "read", "write"],
    "client runs an agency with the permissions of its compiled program",
  ),
  async fn() {
    const lottery = new FakeLottery();
    lottery.winners = "30;31";
    using server = serve(lottery);
    await using file = await makeFile(ROWS.join(""));
    const args = ["--id", "1", "--address", server.address, "--data", file.path];
    const { code, stdout, stderr } = await run(args);
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    assertStringIncludes(
      stdout,
      "action: apuestas_enviadas | result: success | agency: 1 | cantidad: 500\n",
    );
    assertStringIncludes(stdout, "| cant_ganadores: 2 | documentos: 30;31\n");
    assertEquals(lottery.bets.length, 500);
  },
});

Deno.test({
  ...needs(
    ["run", "net", "read", "write"],
    "client rejects a file with an invalid line before it sends anything",
  ),
  async fn() {
    const lottery = new FakeLottery();
    using server = serve(lottery);
    await using file = await makeFile(`${ROWS.join("")}Ana,Gil,1,1999-13-01,1\n`);
    const args = ["--id", "1", "--address", server.address, "--data", file.path];
    const { code, stdout, stderr } = await run(args);
    assertEquals({ code, stderr }, { code: 3, stderr: "" });
    assertStringIncludes(stdout, `${file.path}:501: birthdate "1999-13-01" is not a calendar date`);
    assertEquals(lottery.packets, []);
  },
});

Deno.test({
  ...needs(
    ["run", "net", "read", "write"],
    "client exits with 4 when servers refuse, and 5 when no server answers",
  ),
  async fn() {
    const lottery = new FakeLottery();
    lottery.isClosed = true;
    using server = serve(lottery);
    await using file = await makeFile(ROWS.join(""));
    const refused = await run(["--id", "1", "--address", server.address, "--data", file.path]);
    assertEquals({ code: refused.code, stderr: refused.stderr }, { code: 4, stderr: "" });
    const seconds = { CLI_RETRY_SECONDS: "1" };
    const lonely = await run(["progress", "--id", "1", "--address", "127.0.0.1:1"], seconds);
    assertEquals({ code: lonely.code, stderr: lonely.stderr }, { code: 5, stderr: "" });
    assertStringIncludes(lonely.stdout, "all attempts have failed for 1 s");
  },
});

Deno.test({
  ...needs(
    ["posix", "run", "net", "read", "write"],
    "client writes its result to the file that --result names: done, refused or stopped",
  ),
  async fn() {
    const lottery = new FakeLottery();
    const winners = [" 30 ", "\u00a031", "3|2", '"33"'];
    lottery.winners = winners.join(";");
    using server = serve(lottery);
    await using file = await makeFile(ROWS.join(""));
    await using folder = tempFolder();
    const result = `${folder.path}/result.json`;
    const read = async () => JSON.parse(await Deno.readTextFile(result));
    const args = ["--id", "1", "--address", server.address, "--data", file.path];
    const flags = [`--allow-write=${folder.path}`];
    const run = (...more: string[]) => start([...args, "--result", result, ...more], {}, flags);

    assertEquals((await finish(run())).code, 0);
    const done = { agency: 1, sent: 500, stored: 500, winners, exitCode: 0, reason: null };
    assertEquals(await read(), done);

    lottery.bets.length = 100;
    lottery.store = () => false;
    assertEquals((await finish(run())).code, 4);
    const { reason, ...refused } = await read();
    assertEquals(refused, { agency: 1, sent: null, stored: 100, winners: null, exitCode: 4 });
    assertStringIncludes(reason, "Cannot store bets 101 to 200 of agency 1");

    const child = run();
    lottery.intercept = () => {
      child.kill("SIGTERM");
      return "silence";
    };
    assertEquals((await finish(child)).code, 143);
    const stopped = { sent: null, stored: null, winners: null, exitCode: 143 };
    assertEquals(await read(), { agency: 1, ...stopped, reason: "stopped by SIGTERM" });

    const denied = await finish(start([...args, "--result", result]));
    assertEquals([denied.code, denied.stdout], [2, ""]);
    assertStringIncludes(denied.stderr, "which cannot be written");
  },
});

Deno.test({
  ...needs(
    ["posix", "run", "net", "read", "write"],
    "client stops on signals, and reports how to resume",
  ),
  async fn() {
    for (const [signal, expected] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
      const lottery = new FakeLottery();
      using server = serve(lottery);
      const child = start(["winners", "--id", "1", "--address", server.address]);
      lottery.intercept = (packet) => {
        if (packet !== "WinnersRequest:1") return;
        child.kill(signal);
        return "silence";
      };
      const { code, stdout, stderr } = await finish(child);
      assertEquals({ code, stderr }, { code: expected, stderr: "" });
      assertStringIncludes(stdout, "start it again to resume");
    }
  },
});

Deno.test({
  ...needs(["run", "net", "read", "write"], "client does one step of an agency's work per command"),
  async fn() {
    const lottery = new FakeLottery();
    lottery.winners = "30";
    using server = serve(lottery);
    const env = {
      CLI_ID: "1",
      CLI_SERVER_ADDRESS: server.address,
      NOMBRE: "Ana",
      APELLIDO: "Gil",
      DOCUMENTO: "30",
      NACIMIENTO: "1999-01-31",
      NUMERO: "07574",
    };
    const bet = await run(["bet"], env);
    assertStringIncludes(
      bet.stdout,
      "action: apuesta_almacenada | result: success | dni: 30 | numero: 7574\n",
    );
    const progress = await run(["progress"], env);
    assertStringIncludes(
      progress.stdout,
      "action: progress | result: success | agency: 1 | cantidad: 1\n",
    );
    const close = await run(["close"], env);
    assertStringIncludes(close.stdout, "action: agency_close | result: success | agency: 1\n");
    assertEquals(lottery.isClosed, true);
    const winners = await run(["winners"], env);
    assertStringIncludes(winners.stdout, "| cant_ganadores: 1 | documentos: 30\n");
    assertEquals([bet.code, progress.code, close.code, winners.code], [0, 0, 0, 0]);
  },
});

/** Starts the client with arguments, or variables, in which `?` is a byte that is not UTF-8. */
async function runWithByte(args: string[], env: Record<string, string> = {}) {
  const argument = (text: string) => `"$(printf '%b' '${text.replace("?", "\\0377")}')"`;
  const words = [Deno.execPath(), "run", "--quiet", "--no-check", ...PERMISSIONS, MAIN, ...args];
  const variables = Object.entries({ CLI_CONFIG: CONFIG, ...env });
  const exports = variables.map(([name, text]) => `export ${name}=${argument(text)}; `);
  const command = exports.join("") + words.map(argument).join(" ");
  const { code, stdout, stderr } = await new Deno.Command("sh", { args: ["-c", command] }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test({
  ...needs(
    ["posix", "run", "net", "read", "write"],
    "client refuses arguments and variables that are not UTF-8, and sends nothing",
  ),
  async fn() {
    const lottery = new FakeLottery();
    using server = serve(lottery);
    const args = ["bet", "--id", "1", "--address", server.address];
    const env = { APELLIDO: "Gil", DOCUMENTO: "30", NACIMIENTO: "1999-01-31", NUMERO: "7" };
    const flag = await runWithByte([...args, "--nombre", "Ana?"], env);
    assertEquals(flag.code, 2);
    assertStringIncludes(
      flag.stderr,
      "--nombre holds U+FFFD, the mark of bytes that are not UTF-8",
    );
    const variable = await runWithByte(args, { ...env, NOMBRE: "Ana?" });
    assertEquals(variable.code, 2);
    assertStringIncludes(variable.stderr, "NOMBRE in the environment is not UTF-8");
    const data = await runWithByte(["--address", server.address, "--id", "1"], { CLI_DATA: "a?" });
    assertEquals(data.code, 2);
    assertStringIncludes(data.stderr, "CLI_DATA in the environment is not UTF-8");
    assertEquals(lottery.packets, []);
  },
});

Deno.test({
  ...needs(
    ["run", "net", "read", "write"],
    "client exits with 4 when a bet was stored by hand, or its number is not in the lottery",
  ),
  async fn() {
    const lottery = new FakeLottery();
    using server = serve(lottery);
    await using file = await makeFile(ROWS.join(""));
    const args = ["--id", "1", "--address", server.address];
    const env = {
      NOMBRE: "Eva",
      APELLIDO: "Gil",
      DOCUMENTO: "30",
      NACIMIENTO: "1999-01-31",
      NUMERO: "7",
    };
    assertEquals((await run(["bet", ...args], env)).code, 0);
    const foreign = await run([...args, "--data", file.path]);
    assertEquals(foreign.code, 4);
    assertStringIncludes(foreign.stdout, "they have 1 and the file has 500");
    assertStringIncludes(foreign.stdout, `task check --data ${file.path}`);
    assertEquals([lottery.bets.length, lottery.isClosed], [1, false]);
    const startMs = performance.now();
    const stranger = await run(["winners", "--id", "9", "--address", server.address]);
    assertLess(performance.now() - startMs, 5000);
    assertEquals(stranger.code, 4);
    assertStringIncludes(stranger.stdout, "Cannot take part as agency 9");
    assertEquals(stranger.stdout.match(/result: fail/g)?.length, 1);
  },
});

Deno.test({
  ...needs(
    ["run", "net", "read", "write"],
    "client exits with 5 when servers know no ProgressRequest, and names the option for those",
  ),
  async fn() {
    const lottery = new FakeLottery();
    lottery.intercept = () => "close";
    using server = serve(lottery);
    const args = ["progress", "--id", "2", "--address", server.address];
    const { code, stdout } = await run(args, { CLI_RETRY_SECONDS: "1" });
    assertEquals(code, 5);
    assertStringIncludes(stdout, "give --legacy-server (CLI_LEGACY_SERVER=true)");
  },
});

Deno.test({
  ...needs(
    ["run", "net", "read", "write"],
    "client prints its usage, its version, and what is wrong with its command line",
  ),
  async fn() {
    const help = await run(["--help"]);
    assertEquals(help.code, 0);
    assertStringIncludes(help.stdout, "Exit codes:");
    assertEquals(await run(["--version"]), { code: 0, stdout: `${VERSION}\n`, stderr: "" });
    const wrong = await run(["wait"]);
    assertEquals({ code: wrong.code, stdout: wrong.stdout }, { code: 2, stdout: "" });
    assertStringIncludes(wrong.stderr, "Unknown command 'wait'");
    const settings = await run(["--batch-size", "0"]);
    assertEquals({ code: settings.code, stdout: settings.stdout }, { code: 2, stdout: "" });
    assertStringIncludes(settings.stderr, "--batch-size");
    assertStringIncludes(settings.stderr, "give --id");
    const bet = await run(["bet", "--id", "1"]);
    assertEquals(bet.code, 2);
    assertStringIncludes(bet.stderr, "NUMERO is missing");
  },
});

Deno.test({
  ...needs(["run", "read", "write"], "client reads config.yaml in any form of YAML"),
  async fn() {
    await using flow = await makeFile("{server: {address: nonsense}, log: {level: &x info}}\n");
    const fault = (await run(["--id", "1"], { CLI_CONFIG: flow.path })).stderr;
    assertStringIncludes(fault, 'server.address is "nonsense": give host:port');
    await using broken = await makeFile("server: {\n");
    const { code, stderr } = await run(["--id", "1"], { CLI_CONFIG: broken.path });
    assertEquals(code, 2);
    assertStringIncludes(stderr, `${broken.path} is not valid YAML: `);
  },
});
