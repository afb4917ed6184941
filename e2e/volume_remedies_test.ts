import { assertEquals, assertRejects } from "@std/assert";
import { LineConnection } from "../testing/line_connection.ts";
import { needs, PROGRAMS } from "../testing/needs.ts";
import { Program } from "../testing/program.ts";
import { ServerGroup } from "../testing/servers.ts";

/** Runs `check` on the volume of a group. Returns its lines. */
async function check(group: ServerGroup, expected: number, ...flags: string[]): Promise<string[]> {
  await using program = new Program({
    name: "check",
    args: ["run", "-A", "tools/check.ts", "--volume", group.volume, "--agencies", "5", ...flags],
  });
  assertEquals(await program.ended(), expected, program.output());
  return program.lines;
}

/** Asserts that a server does not start, and says how to make it start. */
async function assertRefuses(group: ServerGroup, remedy: string): Promise<void> {
  await assertRejects(() => group.startAll(), Error, remedy);
}

async function store(group: ServerGroup, bets: number): Promise<void> {
  using connection = await LineConnection.open(group.address);
  for (let bet = 1; bet <= bets; bet++) {
    const packet = `StoreBet:1;Ana;Paz;${bet};1980-01-01;${bet}\n`;
    assertEquals(await connection.ask(packet), "StoreResponse:0");
  }
  await connection.send("AgencyClose:2\n");
  assertEquals(await connection.ask("ProgressRequest:1\n"), `ProgressResponse:${bets}`);
}

Deno.test(
  needs(PROGRAMS, "servers start again after a loss was accepted, and only then"),
  async () => {
    await using group = await ServerGroup.start({ servers: 1, agencies: 5 });
    await store(group, 3);
    await group.stop();
    const path = `${group.volume}/bets.csv`;
    const rows = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, rows.split("\n").slice(0, 2).join("\n") + "\n");
    await assertRefuses(group, "accept the loss with ./denow task check --accept-loss");
    await check(group, 4);
    await check(group, 0, "--accept-loss", "--yes");
    await group.startAll();
    using connection = await LineConnection.open(group.address);
    assertEquals(await connection.ask("ProgressRequest:1\n"), "ProgressResponse:2");
    await check(group, 0);
  },
);

Deno.test(
  needs(PROGRAMS, "check --accept-loss refuses while a server runs"),
  async () => {
    await using group = await ServerGroup.start({ servers: 1, agencies: 5 });
    await store(group, 3);
    // A server that stops writes down what is durable.
    await group.stop();
    await group.startAll();
    // It would notice, and stop.
    group.servers[0].process.signal("SIGSTOP");
    await Deno.truncate(`${group.volume}/bets.csv`, 0);
    const lines = await check(group, 1, "--accept-loss", "--yes");
    assertEquals(
      lines.some((line) => line.includes("Stop all servers first")),
      true,
      lines.join("\n"),
    );
  },
);

Deno.test(
  needs(
    PROGRAMS,
    "servers start again after the note of a failed disk was cleared, and only then",
  ),
  async () => {
    await using group = await ServerGroup.start({ servers: 1, agencies: 5 });
    await store(group, 1);
    await group.stop();
    await Deno.writeTextFile(`${group.volume}/disk-failure.json`, '{"error":"EIO"}\n');
    await assertRefuses(group, "./denow task check --clear-disk-failure");
    await check(group, 7);
    await check(group, 0, "--clear-disk-failure");
    await group.startAll();
    await check(group, 0);
  },
);

Deno.test(
  needs(PROGRAMS, "nobody but owner and group may read the files of a volume"),
  async () => {
    await using group = await ServerGroup.start({ servers: 1, agencies: 5 });
    await store(group, 1);
    for await (const { name } of Deno.readDir(group.volume)) {
      const { mode } = await Deno.stat(`${group.volume}/${name}`);
      assertEquals(mode! & 0o777 & ~0o640, 0, `${name} ${(mode! & 0o777).toString(8)}`);
    }
  },
);
