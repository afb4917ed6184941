import { assertEquals, assertStringIncludes } from "@std/assert";
import { startClient } from "../testing/clients.ts";
import { fileResource, needs, type Resource } from "../testing/needs.ts";
import { Program } from "../testing/program.ts";
import { ServerGroup, type ServerGroupOptions } from "../testing/servers.ts";
import { CERTIFICATES } from "../testing/tls_folder.ts";
import { PROJECT_ROOT } from "../tools/project.ts";
import { SecureFiles } from "../tools/run/secure_files.ts";
import {
  assertRows,
  assertStored,
  type BetsFolder,
  readBets,
  sampleBets,
  winnersOf,
} from "./bets.ts";
import { type LotteryTest, testOnEveryLedger } from "./ledgers.ts";

const SECURE = ["posix", "env", ...CERTIFICATES] as const;
const NAME = "lottery.test";
const EXECUTABLE = `${PROJECT_ROOT}/dist/lottery-client-${Deno.build.target}`;
/** The command that stores one bet. */
const BET =
  "bet --nombre Ana --apellido Paz --documento 30123456 --nacimiento 1990-05-30 --numero 7574"
    .split(" ");
const COMPILED = fileResource(EXECUTABLE, "the compiled client, made by deno task compile");

/** Makes what a lottery with TLS and keys needs, in a folder that is removed at the end of its block. */
async function secureFiles(agencies: number) {
  const path = await Deno.makeTempDir({ prefix: "lottery test " });
  const files = await SecureFiles.make(`${path}/secure`, { agencies, hosts: [NAME] });
  return { files, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

async function startServers(
  files: SecureFiles,
  options: Partial<ServerGroupOptions> & { agencies: number },
): Promise<ServerGroup> {
  const env = { ...files.serverEnvironment, ...options.env };
  return await ServerGroup.start({ servers: 1, ...options, secrets: files.serverFolder, env });
}

/** The same lottery on each ledger: two servers, and three agencies that send all their bets. */
const WHOLE_LOTTERY: LotteryTest = {
  name: "agencies with keys send their bets over TLS and receive their winners",
  async fn(ledger) {
    await using secure = await secureFiles(3);
    const { files } = secure;
    await using bets = await sampleBets({ agencies: 3, bets: 3000 });
    const options = { ...ledger.servers, servers: 2, agencies: 3 };
    await using servers = await startServers(files, options);
    await using stack = new AsyncDisposableStack();
    const rows = await readBets(bets);
    const clients = rows.map((_, index) =>
      stack.use(startClient({
        agency: index + 1,
        address: servers.address,
        data: bets.path,
        env: files.clientEnvironment(index + 1),
      }))
    );
    for (const [index, winners] of winnersOf(rows).entries()) {
      assertEquals(await clients[index].ended(), 0, clients[index].output());
      const [line] = await clients[index].line(/consulta_ganadores \| result: success.*/);
      assertStringIncludes(line, `documentos: ${winners.join(";")}`);
    }
    assertRows(await ledger.readRows(), rows);
    assertEquals(await servers.stop(), [0, 0]);
  },
};

testOnEveryLedger(
  { title: "agencies with keys", needed: [...SECURE] },
  [WHOLE_LOTTERY],
);

/** Runs a client of agency 1 that gives up soon. Returns its exit code and its lines. */
async function runClient(
  servers: ServerGroup,
  bets: BetsFolder,
  env: Record<string, string>,
  { executable, args = [] }: { executable?: string; args?: string[] } = {},
) {
  await using client = startClient({
    agency: 1,
    address: servers.address,
    data: bets.path,
    executable,
    args,
    env: { CLI_RETRY_SECONDS: "1", ...env },
  });
  return { code: await client.ended(), text: client.lines.join("\n") };
}

for (const executable of [undefined, EXECUTABLE]) {
  const client = executable === undefined ? "client" : "compiled client";
  const needed = executable === undefined ? [] : [COMPILED];
  Deno.test({
    ...needs(
      [...SECURE, ...needed],
      `${client} without the right key or server says what is wrong`,
    ),
    async fn(t) {
      await using secure = await secureFiles(2);
      await using other = await secureFiles(2);
      await using bets = await sampleBets({ agencies: 2, bets: 40 });
      const { files } = secure;
      await using servers = await startServers(files, { agencies: 2 });
      const own = files.clientEnvironment(1);
      const { CLI_KEY_FILE: _, ...withoutKey } = own;
      const table: [name: string, env: Record<string, string>, code: number, message: string][] = [
        [
          "no key",
          withoutKey,
          5,
          "the server admits only agencies that have a key: set CLI_KEY_FILE",
        ],
        [
          "a key of another lottery",
          { ...own, CLI_KEY_FILE: other.files.keyFile(1), CLI_RETRY_SECONDS: "30" },
          4,
          "does not admit this client as agency 1",
        ],
        [
          "another agency's key",
          { ...own, CLI_KEY_FILE: files.keyFile(2), CLI_RETRY_SECONDS: "30" },
          4,
          "does not admit this client as agency 1",
        ],
        ["no TLS", {}, 5, "the server speaks TLS: set server.tls: true"],
        ["a key without TLS", { CLI_KEY_FILE: files.keyFile(1) }, 2, "is given without TLS"],
        [
          "an unknown authority",
          { ...own, CLI_SERVER_CA: other.files.ca },
          5,
          "comes from an unknown authority",
        ],
        ["another name", { ...own, CLI_SERVER_NAME: "other.test" }, 5, "is not for other.test"],
      ];
      // The compiled client is the same program, in another Deno.
      const short = ["no key", "no TLS", "an unknown authority", "another name"];
      const tried = table.filter(([name]) => executable === undefined || short.includes(name));
      for (const [name, env, code, message] of tried) {
        await t.step(name, async () => {
          const result = await runClient(servers, bets, env, { executable });
          assertEquals(result.code, code, result.text);
          assertStringIncludes(result.text, message);
        });
      }
      assertEquals(await Deno.readTextFile(`${servers.volume}/bets.csv`), "");
      await t.step("the right key", async () => {
        const result = await runClient(servers, bets, own, { executable, args: BET });
        assertEquals(result.code, 0, result.text);
        await assertStored(servers.volume, [["Ana,Paz,30123456,1990-05-30,7574"]]);
      });
    },
  });
}

/** Runs a command of a shell, and returns what it printed. */
async function shell(script: string, ...args: string[]): Promise<string> {
  await using program = new Program({
    name: "sh",
    command: "sh",
    args: ["-c", script, "sh", ...args],
  });
  await program.ended();
  return program.lines.join("\n");
}

Deno.test({
  ...needs(
    SECURE,
    "openssl s_client speaks with a server that has TLS, and is not admitted without a key",
  ),
  async fn() {
    await using secure = await secureFiles(1);
    const { files } = secure;
    const { AGENCY_KEYS: _, ...onlyTls } = files.serverEnvironment;
    const ask = async ({ address: { port } }: ServerGroup) =>
      await shell(
        // An empty line makes the server end the connection.
        "printf 'ProgressRequest:1\\n\\n' | " +
          'openssl s_client -quiet -connect "$1" -servername "$2" -verify_hostname "$2" ' +
          '-CAfile "$3" -verify_return_error 2>&1',
        `localhost:${port}`,
        NAME,
        files.ca,
      );
    const group = { servers: 1, agencies: 1, secrets: files.serverFolder };
    await using open = await ServerGroup.start({ ...group, env: onlyTls });
    assertStringIncludes(await ask(open), "ProgressResponse:0");
    await using guarded = await startServers(files, { agencies: 1 });
    assertStringIncludes(await ask(guarded), "AuthResponse:e=not-admitted");
  },
});

const TCPDUMP: Resource = {
  description: "tcpdump, and the right to use it",
  isPresent: () => {
    try {
      const args = ["--interface=lo", "--list-data-link-types"];
      return new Deno.Command("tcpdump", { args }).outputSync().success;
    } catch {
      return false;
    }
  },
};

/** Returns the bytes that a capture of a port of loopback has while a client stores a bet. */
async function capture(servers: ServerGroup, bets: BetsFolder, env: Record<string, string>) {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/capture`;
  const { port } = servers.address;
  const args = ["--interface=lo", "--immediate-mode", "-U", "-s", "0", "-Z", "root", "-w", path];
  try {
    await using tcpdump = new Program({
      name: "tcpdump",
      command: "tcpdump",
      args: [...args, "tcp", "port", String(port)],
    });
    await tcpdump.line(/listening on/);
    const result = await runClient(servers, bets, env, { args: BET });
    assertEquals(result.code, 0, result.text);
    tcpdump.signal("SIGINT");
    await tcpdump.ended();
    return new TextDecoder("latin1").decode(await Deno.readFile(path));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  ...needs(
    [...SECURE, TCPDUMP],
    "a capture of the network shows bets in clear without TLS, and none with it",
  ),
  async fn() {
    await using secure = await secureFiles(1);
    const { files } = secure;
    await using bets = await sampleBets({ agencies: 1, bets: 1 });
    await using plain = await ServerGroup.start({ servers: 1, agencies: 1 });
    await using guarded = await startServers(files, { agencies: 1 });
    const own = files.clientEnvironment(1);
    const key = (await Deno.readTextFile(files.keyFile(1))).trim();
    const [clear, secret] = [await capture(plain, bets, {}), await capture(guarded, bets, own)];
    for (const text of ["StoreBet:1;Ana;Paz;30123456", "StoreResponse:0", "ProgressResponse:"]) {
      assertStringIncludes(clear, text);
      assertEquals(secret.includes(text), false, `the capture has ${text}`);
    }
    for (const text of ["Ana", "30123456", "AuthProof", key]) {
      assertEquals(secret.includes(text), false, `the capture has ${text}`);
    }
    assertStringIncludes(
      secret,
      NAME,
      "the name that the client asks for shows that it is the capture",
    );
  },
});
