import { assertEquals, assertMatch } from "@std/assert";
import { PROJECT_ROOT } from "../tools/project.ts";
import { assertStored, readBets, sampleBets, winnersOf } from "./bets.ts";
import { needing } from "./needs.ts";
import { startClient, startServers } from "../testing/processes.ts";

const PROGRAM = `${PROJECT_ROOT}/dist/lottery-client-${Deno.build.target}` +
  (Deno.build.os === "windows" ? ".exe" : "");

Deno.test({
  ...needing("compiled client does an agency's whole work", {
    run: true,
    write: true,
    env: true,
    file: { path: PROGRAM, hint: "the compiled client, made by deno task compile" },
  }),
  async fn() {
    await using bets = await sampleBets({ agencies: 1, bets: 20_000 });
    const rows = await readBets(bets);
    await using servers = await startServers({ servers: 2, agencies: 1 });
    const data = bets.path;
    await using client = startClient({
      agency: 1,
      address: servers.address,
      data,
      program: PROGRAM,
    });
    assertEquals(await client.ended(), 0, client.output());
    const [winners] = winnersOf(rows);
    const line = await client.line(/consulta_ganadores \| result: success/);
    assertMatch(
      line,
      new RegExp(`cant_ganadores: ${winners.length} \\| documentos: ${winners.join(";")}`),
    );
    await assertStored(servers.volume, rows);
  },
});
