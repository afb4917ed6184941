/**
 * How long programs take to start, as a ratio to Deno with an empty program.
 *
 * @module
 */

import { CLIENT_PERMISSIONS } from "../tools/run/permissions.ts";
import type { Context } from "./context.ts";
import { showSpread, showTable, type Spread, spreadOf } from "./measures.ts";
import { startServers } from "./systems.ts";
import type { Workplace } from "./workplace.ts";

/** What several starts of a program took. */
export interface StartupFigures {
  program: string;
  ms: Spread;
  /** To an empty program, start by start. */
  ratio: Spread;
}

/** Returns how long one start took, in milliseconds. */
type Start = (workplace: Workplace) => Promise<number>;

const FLOOR = "empty program, until it has ended";
const STARTS: Record<string, Start> = {
  [FLOOR]: (workplace) => runToEnd(workplace, ["data:text/javascript,"]),
  "client --version, until it has ended": (workplace) =>
    runToEnd(workplace, [...CLIENT_PERMISSIONS, "client/main.ts", "--version"]),
  "client, until its first packet": timeFirstPacket,
  "server, until it listens": timeListen,
};

/** Measures the starts of all programs in turn. */
export async function measureStartup({ workplace, pace }: Context): Promise<StartupFigures[]> {
  const names = Object.keys(STARTS);
  const times: number[][] = names.map(() => []);
  // The first start of each fills Deno's caches.
  for (let run = -1; run < 2 * pace.runs; run++) {
    for (const [at, start] of Object.values(STARTS).entries()) {
      const ms = await start(workplace);
      if (run >= 0) times[at].push(ms);
    }
  }
  const floor = times[names.indexOf(FLOOR)];
  return names.map((program, at) => ({
    program,
    ms: spreadOf(times[at]),
    ratio: spreadOf(times[at].map((ms, run) => ms / floor[run])),
  }));
}

/** Writes figures as a table. */
export function showStartup(figures: readonly StartupFigures[]): string {
  return showTable(
    ["start of", "ms", "of an empty program"],
    figures.map((row) => [row.program, showSpread(row.ms, 0), showSpread(row.ratio, 1)]),
  );
}

async function runToEnd(workplace: Workplace, args: string[]): Promise<number> {
  const program = workplace.start({ args });
  if (await program.ended !== 0) throw program.failure("has failed");
  return performance.now() - program.startedMs;
}

async function timeFirstPacket(workplace: Workplace): Promise<number> {
  await using folder = workplace.folder();
  await Deno.writeTextFile(`${folder.path}/bets.csv`, "Ana,Gil,30123456,1990-12-31,7574\n");
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = workplace.start({
    args: [...CLIENT_PERMISSIONS, "client/main.ts"],
    env: {
      CLI_ID: "1",
      CLI_SERVER_ADDRESS: `127.0.0.1:${listener.addr.port}`,
      CLI_DATA: `${folder.path}/bets.csv`,
    },
  });
  // It must not be waited for if it fails to start.
  const connection = await Promise.race([listener.accept(), client.ended]);
  if (typeof connection === "number") throw client.failure("has ended too early");
  await connection.read(new Uint8Array(1024));
  const ms = performance.now() - client.startedMs;
  client.kill();
  connection.close();
  await client.ended;
  return ms;
}

async function timeListen(workplace: Workplace): Promise<number> {
  await using folder = workplace.folder();
  await using server = await startServers(workplace, {
    servers: 1,
    agencies: 5,
    volume: folder.path,
  });
  return server.startMs;
}
