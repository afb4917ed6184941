import { assertEquals, assertMatch } from "@std/assert";
import { needs } from "../testing/needs.ts";
import type { Address } from "../testing/ports.ts";
import { Program } from "../testing/program.ts";
import { ServerGroup } from "../testing/servers.ts";
import { CERTIFICATES } from "../testing/tls_folder.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { SecureFiles } from "../tools/run/secure_files.ts";

/** The bets of every example, as rows of the ledger after the number of the agency. */
const ROWS = [
  "Juan,Pérez,12345678,1980-01-01,1234",
  "María,Gómez,87654321,1999-10-25,7574",
  `Li,"O'Neil, Jr.",A-77,2001-12-31,7574`,
];
const BATCHES = [
  "StoreBatch:1;Juan;Pérez;12345678;1980-01-01;1234:María;Gómez;87654321;1999-10-25;7574",
  "StoreBatch:1;Li;O'Neil, Jr.;A-77;2001-12-31;7574",
];

/** How to run an example, and the program that it needs. */
interface Example {
  language: string;
  command: string;
  args: string[];
  /** How to install the program. */
  hint: string;
}

const EXAMPLES: Example[] = [
  {
    language: "TypeScript",
    command: Deno.execPath(),
    args: ["run", "--quiet", "--allow-net", "examples/agency.ts"],
    hint: "Deno",
  },
  {
    language: "Python",
    command: "python3",
    args: ["examples/agency.py"],
    hint: "python3: apt-get install python3",
  },
  {
    language: "Go",
    command: "go",
    args: ["run", "examples/agency.go"],
    hint: "go: apt-get install golang-go",
  },
];

/** Returns the name of a test, and whether it is ignored because something is missing. */
function exampleTest({ language, command, hint }: Example, test: string) {
  const program = { description: hint, isPresent: () => isInstalled(command) };
  return needs(["run", "write", "env", "net", program], `the ${language} example ${test}`);
}

function isInstalled(command: string): boolean {
  const args = [command.endsWith("go") ? "version" : "--version"];
  try {
    return new Deno.Command(command, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Starts an example as agency 1. */
function startExample({ language, command, args }: Example, { hostname, port }: Address): Program {
  return new Program({ name: language, command, args: [...args, `${hostname}:${port}`, "1"] });
}

/** What a scripted server expects to receive, and what it does then. */
type Exchange = [packets: string, answer: string | "hangs up"];

/**
 * Serves by a script: the exchanges of one connection after another.
 *
 * @throws {AssertionError} If something else arrives than the script expects.
 */
async function follow(script: Exchange[][], listener: Deno.TcpListener): Promise<void> {
  for (const exchanges of script) {
    using connection = await listener.accept();
    const reader = connection.readable.pipeThrough(new TextDecoderStream()).getReader();
    for (const [packets, answer] of exchanges) {
      let received = "";
      while (received.length < packets.length + 1) {
        const { value, done } = await reader.read();
        if (done) break;
        received += value;
      }
      assertEquals(received, `${packets}\n`);
      if (answer === "hangs up") break;
      await connection.write(new TextEncoder().encode(`${answer}\n`));
    }
  }
}

for (const example of EXAMPLES) {
  Deno.test({
    ...exampleTest(
      example,
      "stores its bets once, also when it runs again, and prints its winners",
    ),
    async fn() {
      await using servers = await ServerGroup.start({ servers: 2, agencies: 1 });
      for (let run = 1; run <= 2; run++) {
        await using agency = startExample(example, servers.address);
        assertEquals(await agency.ended(), 0, agency.output());
        await agency.line(/^winners: 87654321;A-77$/);
      }
      const stored = await Deno.readTextFile(`${servers.volume}/bets.csv`);
      assertEquals(stored.trimEnd().split(/\r?\n/), ROWS.map((row) => `1,${row}`));
    },
  });

  Deno.test({
    ...exampleTest(example, "asks for its progress after a lost or refused batch"),
    async fn() {
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const following = follow([
        [["ProgressRequest:1", "ProgressResponse:0"], [BATCHES[0], "hangs up"]],
        [
          ["ProgressRequest:1", "ProgressResponse:2"],
          [BATCHES[1], "StoreResponse:1"],
          ["ProgressRequest:1", "ProgressResponse:3"],
          ["AgencyClose:1\nProgressRequest:1", "hangs up"],
        ],
        [
          ["ProgressRequest:1", "ProgressResponse:3"],
          ["AgencyClose:1\nProgressRequest:1", "ProgressResponse:3"],
          ["WinnersRequest:1", "WinnersResponse:"],
        ],
      ], listener);
      await using agency = startExample(example, listener.addr);
      await following;
      assertEquals(await agency.ended(), 0, agency.output());
      await agency.line(/^winners:\s*$/);
    },
  });

  Deno.test({
    ...exampleTest(example, "stops when the servers refuse its bets"),
    async fn() {
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const following = follow([[
        ["ProgressRequest:1", "ProgressResponse:0"],
        [BATCHES[0], "StoreResponse:1"],
        ["ProgressRequest:1", "ProgressResponse:0"],
      ]], listener);
      await using agency = startExample(example, listener.addr);
      await following;
      assertEquals(await agency.ended(), 1, agency.output());
      assertMatch(agency.output(), /the servers refuse bets 1 to 2/);
    },
  });
}

const PYTHON = { description: "python3", isPresent: () => isInstalled("python3") };

Deno.test({
  ...needs(
    ["env", ...CERTIFICATES, PYTHON],
    "the example with a key is admitted, and only with its own",
  ),
  async fn() {
    await using folder = tempFolder();
    const path = `${folder.path}/secure`;
    const files = await SecureFiles.make(path, { agencies: 2, hosts: ["server"] });
    await using servers = await ServerGroup.start({
      servers: 1,
      agencies: 2,
      env: files.serverEnvironment,
      secrets: files.serverFolder,
    });
    const { hostname, port } = servers.address;
    const run = async (keyFile: string) => {
      const given = [`${hostname}:${port}`, "2", "server", files.ca, keyFile];
      const args = ["examples/with_key.py", ...given];
      await using agency = new Program({ name: "Python", command: "python3", args });
      return { code: await agency.ended(), text: agency.lines.join("\n") };
    };
    assertEquals(await run(files.keyFile(2)), { code: 0, text: "stored bets: 0" });
    assertEquals(await run(files.keyFile(1)), { code: 1, text: "not admitted" });
  },
});
