import { assertEquals, assertMatch, assertNotMatch, assertRejects } from "@std/assert";
import { LineConnection } from "../testing/line_connection.ts";
import { needs } from "../testing/needs.ts";
import { ServerGroup } from "../testing/servers.ts";

const PERSONAL = /Ren[ée]e|Ibarra|30904465|1985-0|99999/;
const GOOD = "Renée;Ibarra;30904465;1985-06-07;7";

/** Packets that a server refuses, each with the end of its line in the log. */
const REFUSED: [packet: string, error: string][] = [
  [`StoreBet:1;Renée;Ibarra;30904465;1985-02-30;7`, "bet 1: birthdate is not a calendar date"],
  [`StoreBatch:1;${GOOD}:Renée;;30904465;1985-06-07;7`, "bet 2: last name is empty"],
  [`StoreBatch:1;Renée;Ibarra;30904465;1985-06-07;99999`, "bet 1: number is over 9999"],
  [`StoreBatch:1;Ren\u202eée;Ibarra\x07;30904465;1985-06-07;7`, "bet 1: last name holds a control"],
  [`StoreBet:1;Renée;Ibarra;30904465`, "bet 1: document is the last field"],
  [`StoreBatch:9;${GOOD}`, "agency 9 is not from 1 to 5"],
  [`StoreBet:30904465;${GOOD}`, "it has no valid agency"],
  [`storebet:1;${GOOD}`, "it has no known type"],
];

for (const [level, isShown] of [["INFO", false], ["DEBUG", true]] as const) {
  Deno.test(
    needs(
      ["run", "write", "env"],
      `a server ${isShown ? "shows" : "hides"} the names and documents of refused bets at ${level}`,
    ),
    async () => {
      await using group = await ServerGroup.start({
        servers: 1,
        agencies: 5,
        env: { LOGGING_LEVEL: level },
      });
      const [{ process }] = group.servers;
      for (const [packet, error] of REFUSED) {
        using connection = await LineConnection.open(group.address);
        await connection.send(`${packet}\n`);
        await process.line(new RegExp(`ERROR .*result: fail .* error: .*${error}`));
      }
      await process.stop();
      const personal = process.lines.filter((line) => PERSONAL.test(line));
      assertEquals(personal.length > 0, isShown, personal.join("\n"));
      for (const line of personal) assertMatch(line, / DEBUG .*result: fail .* sent: /);
      assertEquals(process.count(/ sent: /), isShown ? REFUSED.length : 0);
    },
  );
}

/** Rows that keep a server from starting, each with what its log says. */
const INVALID_ROWS: [row: string, rule: string][] = [
  ["1,Renée,Ibarra,30904465,1985-02-30,7", "birthdate is not a calendar date"],
  ["1,Renée,Ibarra,30904465,1985-06-07,99999", "number is over 9999"],
  ["30904465,Renée,Ibarra,1985-06-07,7", "it has 5 fields, not 6"],
  ["30904465,1,Renée,Ibarra,1985-06-07,7", "agency is over 5"],
  ['1,"Renée",Ibarra,30904465,1985-06-07,7', "it is not CSV with minimal quoting"],
  ["1,Renée\0,Ibarra,30904465,1985-06-07,7", "it contains 1 NUL bytes"],
  ["1,Renée,Ibarra,30904465,1985-06-07,7\r", "it ends in"],
];

Deno.test(
  needs(
    ["run", "write", "env"],
    "a server that refuses an invalid row says where it is, and shows nothing of it",
  ),
  async () => {
    for (const [row, rule] of INVALID_ROWS) {
      await using group = new ServerGroup({
        servers: 1,
        agencies: 5,
        env: { LOGGING_LEVEL: "DEBUG" },
      });
      await Deno.writeTextFile(`${group.volume}/bets.csv`, `1,Ana,Paz,1,1980-01-01,1\n${row}\n`);
      await assertRejects(() => group.startAll());
      const [{ process }] = group.servers;
      const output = process.output();
      assertMatch(output, new RegExp(`CRITICAL .*line 2, at byte 25, is not a valid bet: ${rule}`));
      assertNotMatch(output, PERSONAL);
    }
  },
);
