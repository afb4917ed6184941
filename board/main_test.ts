import { assert, assertEquals, assertMatch } from "@std/assert";
import { startBoard } from "../testing/boards.ts";
import { needs } from "../testing/needs.ts";
import { Program } from "../testing/program.ts";
import { CERTIFICATES, testAuthority } from "../testing/tls_folder.ts";

const PROCESSES = ["run", "env", "net"] as const;

/** Runs the board without permissions but for its settings. */
async function run(args: string[], env: Record<string, string> = {}) {
  const flags = ["run", "--quiet", "--no-prompt", "--allow-env"];
  await using board = new Program({
    name: "board",
    args: [...flags, "board/main.ts", ...args],
    env,
  });
  return { code: await board.ended(), output: board.lines.join("\n") };
}

Deno.test(
  needs(PROCESSES, "board/main.ts prints its usage, and refuses arguments and settings"),
  async () => {
    const help = await run(["--help"]);
    assertEquals(help.code, 0, help.output);
    assertMatch(help.output, /^Usage: /m);
    assertEquals((await run(["--port", "1"])).code, 2);
    const refused = await run([], { BOARD_SERVERS: "", BOARD_PORT: "x" });
    assertEquals(refused.code, 2, refused.output);
    assertMatch(refused.output, /BOARD_SERVERS is missing[^]*BOARD_PORT is "x"/);
  },
);

Deno.test(
  needs(PROCESSES, "board/main.ts ends on SIGTERM although browsers read and servers hang"),
  async () => {
    // A server that accepts connections and never answers.
    using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const servers = `server1=127.0.0.1:${silent.addr.port}`;
    const { program, url } = await startBoard({ servers });
    await using board = program;
    const stream = await fetch(`${url}/events`);
    board.signal("SIGTERM");
    assertEquals(await board.ended(), 0, board.output());
    assertMatch(board.lines.at(-1)!, /action: shutdown \| result: success/);
    await stream.body!.cancel();
  },
);

Deno.test(needs(PROCESSES, "board/main.ts says why it cannot serve its page"), async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using board = new Program({
    name: "board",
    args: ["run", "--quiet", "-A", "board/main.ts"],
    env: { BOARD_SERVERS: "server1=127.0.0.1:1", BOARD_PORT: String(taken.addr.port) },
  });
  assertEquals(await board.ended(), 1);
  assert(
    board.count(/action: start \| result: fail \| error: .*[Aa]ddress (already )?in use/) === 1,
    board.output(),
  );
});

Deno.test({
  ...needs(
    ["env", ...CERTIFICATES],
    "board/main.ts asks servers over TLS if it knows their authority",
  ),
  async fn() {
    await using test = await testAuthority();
    const issued = await test.authority.issue({ name: "server", hosts: ["localhost"] });
    const { promise: asked, resolve } = Promise.withResolvers<string>();
    await using server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      cert: await Deno.readTextFile(issued.certFile),
      key: await Deno.readTextFile(issued.keyFile),
      onListen: () => {},
    }, (request) => {
      resolve(new URL(request.url).pathname);
      return Response.json({});
    });
    const env = { BOARD_STATUS_CA: test.authority.caFile };
    const servers = `server1=localhost:${server.addr.port}`;
    await using board = await startBoard({ servers, env, secrets: test.folder });
    assertEquals(await asked, "/status", board.program.output());
    const missing = { BOARD_SERVERS: servers, BOARD_PORT: "0", BOARD_STATUS_CA: "/missing.pem" };
    const { code, output } = await run([], missing);
    assertEquals(code, 1);
    assertMatch(output, /Cannot use BOARD_STATUS_CA, \/missing.pem/);
  },
});
