/**
 * How long programs take to start, compared with Deno on an empty program.
 *
 * @module
 */

import { startClient } from "../testing/clients.ts";
import { Program } from "../testing/program.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { LOOPBACK } from "../tools/run/loopback.ts";
import { clientPermissions } from "../tools/run/permissions.ts";
import type { Context } from "./context.ts";
import { type Spread, spreadOf } from "./spread.ts";
import { startLottery } from "./systems.ts";

/** The figures of several starts of a program. */
export interface StartupFigures {
  program: string;
  ms: Spread;
  /** The time divided by that of an empty program, start by start. */
  ratio: Spread;
}

/** Starts a program, with `folder` for its files. Returns how many milliseconds the start took. */
type Start = (folder: string) => Promise<number>;

const FLOOR = "empty program, until it exits";
const STARTS: Record<string, Start> = {
  [FLOOR]: () => timeRun("data:text/javascript,"),
  "client --version, until it exits": () =>
    timeRun(...clientPermissions(), "client/main.ts", "--version"),
  "client, until its first packet": timeFirstPacket,
  "server, until it listens": timeListening,
};

/** Measures the starts of all programs in turn. */
export async function measureStartup({ folder, pace }: Context): Promise<StartupFigures[]> {
  const names = Object.keys(STARTS);
  const times: number[][] = names.map(() => []);
  // The first start of each fills Deno's caches.
  for (let run = -1; run < 2 * pace.runs; run++) {
    for (const [at, start] of Object.values(STARTS).entries()) {
      const ms = await start(folder);
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

async function timeRun(...args: string[]): Promise<number> {
  const beginMs = performance.now();
  const program = new Program({ name: "program", args: ["run", "--quiet", ...args] });
  if (await program.ended() !== 0) throw program.failure("failed");
  return performance.now() - beginMs;
}

async function timeFirstPacket(parent: string): Promise<number> {
  await using folder = tempFolder(parent);
  const data = `${folder.path}/bets.csv`;
  await Deno.writeTextFile(data, "Ana,Gil,30123456,1990-12-31,7574\n");
  using listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
  const beginMs = performance.now();
  await using client = startClient({ agency: 1, address: listener.addr, data });
  // A client that fails to start never connects.
  const connection = await Promise.race([listener.accept(), client.ended()]);
  if (typeof connection === "number") throw client.failure("exited too early");
  await connection.read(new Uint8Array(1024));
  const ms = performance.now() - beginMs;
  await client.kill();
  connection.close();
  return ms;
}

async function timeListening(parent: string): Promise<number> {
  await using folder = tempFolder(parent);
  const beginMs = performance.now();
  await using _server = await startLottery({ servers: 1, agencies: 5, volume: folder.path });
  return performance.now() - beginMs;
}
