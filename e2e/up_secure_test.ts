import { assertEquals } from "@std/assert";
import { needs } from "../testing/needs.ts";
import { ProjectCopy } from "./project_copy.ts";

const PROCESSES = ["run", "write", "env"] as const;

Deno.test(
  needs(
    [...PROCESSES, "openssl"],
    "deno task up --local --secure runs the whole lottery with TLS and keys, also while servers restart",
  ),
  async () => {
    await using copy = await ProjectCopy.make({ clients: 3, servers: 2 });
    // What is in the environment of the operator does not reach the services.
    copy.env.AGENCY_KEYS = "/nowhere";
    copy.env.CLI_BATCH_SIZE = "20";
    await using up = copy.task("up", "--local", "--secure");
    await up.line(/^\.cache\/secure: made a throw-away authority/);
    await up.line(/^client3 .* action: config .* tls: server/);
    await using restart = copy.task("restart");
    assertEquals(await restart.ended(), 0, restart.output());
    assertEquals(await up.ended(), 0, up.output());
    await up.line(/^server1 .* action: keys \| result: success .* agencies: 3/);
    await up.line(/^All bets are stored, and every agency knows its winners/);
    const folder = `${copy.root}/.cache/secure`;
    for (
      const path of [
        "authority/ca.key",
        "servers/server.key",
        "servers/agencies.keys",
        "agency-1.key",
      ]
    ) {
      assertEquals((await Deno.stat(`${folder}/${path}`)).mode! & 0o777, 0o600, path);
    }
  },
);
