import { assertEquals, assertMatch } from "@std/assert";
import { startClient } from "../testing/clients.ts";
import { fileResource, needs } from "../testing/needs.ts";
import { ServerGroup } from "../testing/servers.ts";
import { PROJECT_ROOT } from "../tools/project.ts";
import { assertStored, readBets, sampleBets, winnersOf } from "./bets.ts";

const EXECUTABLE = `${PROJECT_ROOT}/dist/lottery-client-${Deno.build.target}` +
  (Deno.build.os === "windows" ? ".exe" : "");
const COMPILED = fileResource(EXECUTABLE, "the compiled client, made by deno task compile");

Deno.test(
  needs(["run", "write", "env", COMPILED], "compiled client does all the work of an agency"),
  async () => {
    await using bets = await sampleBets({ agencies: 1, bets: 20_000 });
    const rows = await readBets(bets);
    await using servers = await ServerGroup.start({ servers: 2, agencies: 1 });
    const { address } = servers;
    await using client = startClient({
      agency: 1,
      address,
      data: bets.path,
      executable: EXECUTABLE,
    });
    assertEquals(await client.ended(), 0, client.output());
    const [winners] = winnersOf(rows);
    const [line] = await client.line(/consulta_ganadores \| result: success.*/);
    assertMatch(
      line,
      new RegExp(`cant_ganadores: ${winners.length} \\| documentos: ${winners.join(";")}`),
    );
    await assertStored(servers.volume, rows);
  },
);
