import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { LineConnection } from "../testing/line_connection.ts";
import { needs, PROGRAMS } from "../testing/needs.ts";
import { ServerGroup } from "../testing/servers.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { mustRun } from "./faults/commands.ts";
import { TMPFS } from "./faults/requirements.ts";
import { runTask } from "./run_task.ts";

const AGENCIES = 3;

interface AuditLine extends Record<string, unknown> {
  what: string;
}

/** The lines of a server's only file. */
async function linesOf(folder: string, server: string): Promise<AuditLine[]> {
  const text = await Deno.readTextFile(`${folder}/${server}/audit-000001.log`);
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}

const STORE = (agency: number) => `StoreBatch:${agency};Ana;Paz;DOC-${agency};1980-01-01;7574\n`;

Deno.test(
  needs(
    PROGRAMS,
    "servers record who has stored and closed, and the certificate anchors every chain",
  ),
  async () => {
    await using folder = tempFolder();
    const hasAudit = true;
    await using group = await ServerGroup.start({
      servers: 3,
      agencies: AGENCIES,
      hasAudit,
      sharedPort: false,
    });
    const audit = `${group.volume}/audit`;
    for (const [index, server] of group.servers.entries()) {
      using connection = await LineConnection.open(server.address);
      assertEquals(await connection.ask(STORE(index + 1)), "StoreResponse:0");
      if (index > 0) await connection.send(`AgencyClose:${index + 1}\n`);
      await connection.ask(`ProgressRequest:${index + 1}\n`);
    }
    const [first, second] = group.servers;
    // Nobody is asked: its chain goes on where it was killed.
    await second.process.kill();
    await second.start();
    using connection = await LineConnection.open(first.address);
    await connection.send("AgencyClose:1\n");
    assertEquals(await connection.ask("WinnersRequest:1\n"), "WinnersResponse:DOC-1");
    await Promise.any(group.processes.map((process) => process.line(/action: certificate/)));
    await group.stop();
    const what = async (server: string) => (await linesOf(audit, server)).map(({ what }) => what);
    assertEquals(await what("server1"), [
      ...["opened", "started", "served", "closing", "closed", "drawn", "stopped"],
    ]);
    assertEquals((await what("server2")).slice(0, 6), [
      ...["opened", "started", "closing", "closed", "served", "started"],
    ]);
    const { line: _, time: _1, address, previous: _2, ...served } =
      (await linesOf(audit, "server1"))[2];
    assertEquals(served, {
      ...{ server: "server1", what: "served", agency: 1, batches: 1, bets: 1, refused: 0 },
    });
    assert(String(address).startsWith("127.0.0.1:"));
    for (const server of ["server1", "server2", "server3"]) {
      const text = await Deno.readTextFile(`${audit}/${server}/audit-000001.log`);
      assert(!/Ana|Paz|DOC/.test(text), "an audit log has no bettor's data");
    }
    const verified = await runTask("verify", ["--volume", group.volume]);
    assert(/audit logs: \d+ lines, each in its place\n.*VERIFIED/s.test(verified), verified);
    const [id] = Array.from(Deno.readDirSync(`${group.volume}/draws`), ({ name }) => name)
      .filter((name) => name !== ".lock");
    const json = JSON.parse(await Deno.readTextFile(`${group.volume}/draws/${id}/result.json`));
    const servers = json.audit.map(({ server }: { server: string }) => server);
    assertEquals(servers, ["server1", "server2", "server3"]);
    // The record travels with the ledger.
    const backup = `${folder.path}/backup`;
    await runTask("backup", ["--volume", group.volume, "--to", backup]);
    await runTask("restore", ["--volume", group.volume, "--from", backup, "--archive"]);
    const [archived] = Array.from(Deno.readDirSync(`${group.volume}/archive`), ({ name }) => name);
    const places = [backup, group.volume, `${group.volume}/archive/${archived}`];
    for (const place of places) {
      assertStringIncludes(await runTask("verify", ["--volume", place]), "VERIFIED");
    }
    const path = `${backup}/audit/server2/audit-000001.log`;
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, text.replace(/.*"closing".*\n/, ""));
    assertStringIncludes(
      await runTask("verify", ["--volume", backup], 3),
      "audit log of server2: audit-000001.log, row 3: line 3 was removed before line 4",
    );
  },
);

Deno.test(
  needs(
    PROGRAMS,
    "a server does not start with the audit log of another one, or with a damaged one",
  ),
  async () => {
    const env = { AUDIT_NAME: "same" };
    await using group = new ServerGroup({
      servers: 2,
      agencies: AGENCIES,
      hasAudit: true,
      env,
      sharedPort: false,
    });
    const [first, second] = group.servers;
    await first.start();
    await second.start().catch(() => {});
    assertEquals(await second.process.ended(), 1);
    assertStringIncludes(second.process.output(), "give each server its own AUDIT_NAME");
    await first.process.kill();
    await Deno.writeTextFile(`${group.volume}/audit/same/audit-000001.log`, "garbage\n");
    await second.start().catch(() => {});
    assertEquals(await second.process.ended(), 1);
    assertStringIncludes(second.process.output(), "does not end in a line of same");
  },
);

Deno.test(
  needs(
    [...PROGRAMS, ...TMPFS],
    "a server whose audit log has no room stores bets, refuses closes, and closes when there is room",
  ),
  async () => {
    await using folder = tempFolder();
    mustRun("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder.path]);
    await using _mounted = {
      [Symbol.asyncDispose]: () => Promise.resolve(mustRun("umount", ["-l", folder.path])),
    };
    await using volume = tempFolder();
    await Deno.symlink(folder.path, `${volume.path}/audit`);
    await using group = await ServerGroup.start({
      servers: 1,
      agencies: 1,
      hasAudit: true,
      volume: volume.path,
      adapt: ({ args, ...program }) => ({
        ...program,
        args: args.map((arg) => /^--allow-(read|write)=/.test(arg) ? `${arg},${folder.path}` : arg),
      }),
    });
    const [server] = group.processes;
    // Whole pages, and then the rest of the last one.
    const filler = await Deno.open(`${folder.path}/filler`, { create: true, write: true });
    for (let isFull = false; !isFull;) {
      isFull = await filler.write(new Uint8Array(4096)).then(() => false, () => true);
    }
    filler.close();
    for (;;) {
      // Each connection has a line, and the last page has room for a few.
      using connection = await LineConnection.open(group.address);
      assertEquals(await connection.ask(STORE(1)), "StoreResponse:0");
      connection[Symbol.dispose]();
      if (server.count(/action: audit \| result: fail/) > 0) break;
    }
    {
      using connection = await LineConnection.open(group.address);
      assertEquals(await connection.ask(STORE(1)), "StoreResponse:0");
      await connection.send("AgencyClose:1\n");
      await server.line(
        /agency_close \| result: fail .*cannot be recorded in the audit log: No space/,
      );
      assertEquals(server.count(/agency_close \| result: success/), 0);
    }
    await Deno.remove(`${folder.path}/filler`);
    using connection = await LineConnection.open(group.address);
    await connection.send("AgencyClose:1\n");
    await server.line(/agency_close \| result: success/);
    const lines = await linesOf(folder.path, "server1");
    const omitted = lines.find(({ what }) => what === "omitted")!;
    assertEquals(omitted.reason, "disk");
    assert(Number(omitted.lines) >= 2);
    await server.line(/action: certificate \| result: success/);
    assertStringIncludes(await runTask("verify", ["--volume", volume.path]), "VERIFIED");
  },
);
