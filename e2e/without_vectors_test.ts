import { assertEquals } from "@std/assert";
import { startClient } from "../testing/clients.ts";
import { WINNING_NUMBER } from "../testing/lottery_environment.ts";
import { needs } from "../testing/needs.ts";
import { ServerGroup } from "../testing/servers.ts";
import { tempFolder } from "../testing/temp_folder.ts";

/** Common bets, uncommon ones, and winners among both. */
const LINES = [
  ...Array.from({ length: 500 }, (_, index) => `Ana,Gil,${index},1999-01-31,${index}`),
  `Ñandú,"Paz, de la",ganó1,2000-02-29,${WINNING_NUMBER}`,
  `"Pepa ""la"" Rey",李,ganó2,1999-01-31,0${WINNING_NUMBER}`,
  `Ana,Gil,ganó3,1999-01-31,${WINNING_NUMBER}`,
];
/** The same as rows of bets.csv. */
const ROWS = LINES.map((line) => `1,${line.replace(/,0(?=\d{4}$)/, ",")}\n`);
const WARNING =
  /WARN(ING)? .*vector instructions are not available: bets are handled by slower code/;

for (const flag of ["--no-enable-sse4-1", "--jitless"]) {
  Deno.test(needs(["run", "net", "write"], `a lottery works with ${flag}`), async () => {
    const env = { DENO_V8_FLAGS: flag };
    await using folder = tempFolder();
    await Deno.writeTextFile(`${folder.path}/agency-1.csv`, LINES.join("\n"));
    await using servers = await ServerGroup.start({ servers: 2, agencies: 1, env });
    const { address, volume } = servers;
    await using client = startClient({ agency: 1, address, data: folder.path, env });
    await client.line(/cant_ganadores: 3 \| documentos: ganó1;ganó2;ganó3/);
    assertEquals(await client.ended(), 0);
    assertEquals(await Deno.readTextFile(`${volume}/bets.csv`), ROWS.join(""));
    assertEquals(client.count(WARNING), 1);
    for (const { process } of servers.servers) assertEquals(process.count(WARNING), 1);
  });
}
