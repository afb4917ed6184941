import { assertEquals, assertMatch } from "@std/assert";
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
