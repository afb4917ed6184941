/**
 * Redis, which syncs its append-only file before each answer. Its own benchmark appends opaque entries, each of
 * the length of a batch, so it neither checks nor counts a bet.
 *
 * @module
 */

import { freePort } from "../../testing/ports.ts";
import { Program } from "../../testing/program.ts";
import { LOOPBACK } from "../../tools/run/loopback.ts";
import type { LoadResult } from "../load_worker.ts";
import { madeBatches } from "../made_bets.ts";
import type { Contestant } from "../turns.ts";
import { findProgram, outputOf } from "./programs.ts";

/** Entries of the first run, which shows how many a second can take. */
const ENTRIES_MIN = 1000;

/** The names of the columns that `redis-benchmark --csv` prints and that are used here. */
const COLUMNS = { rate: "rps", p50Ms: "p50_latency_ms", p99Ms: "p99_latency_ms" } as const;

/** Returns what is missing to run Redis; undefined if nothing is. */
export function missingRedis(): string | undefined {
  const isHere = ["redis-server", "redis-benchmark"].every(findProgram);
  return isHere ? undefined : "Redis (Debian: apt-get install redis-server)";
}

/** Starts Redis with its files in `folder`. */
export async function startRedis(
  folder: string,
  { connections, bets }: { connections: number; bets: number },
  stack: AsyncDisposableStack,
): Promise<Contestant> {
  const port = String(freePort("tcp"));
  const settings = ["--bind", LOOPBACK, "--dir", folder, "--save", "", "--appendonly", "yes"];
  const sync = ["--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"];
  const program = stack.use(
    new Program({
      name: "redis",
      command: findProgram("redis-server")!,
      args: ["--port", port, ...settings, ...sync],
    }),
  );
  await program.line(/Ready to accept connections/);
  const bytes = String(madeBatches(1, { batches: 1, bets })[0].length);
  let entries = ENTRIES_MIN;
  return {
    system: { processes: [program], ports: [Number(port)], [Symbol.asyncDispose]: async () => {} },
    run: async (seconds) => {
      const what = ["-t", "rpush", "-d", bytes, "-c", String(connections), "-n", String(entries)];
      const args = ["-h", LOOPBACK, "-p", port, "--csv", ...what];
      const { rate, p50Ms, p99Ms } = readCsv(await outputOf(findProgram("redis-benchmark")!, args));
      const result: LoadResult = { bets: entries * bets, seconds: entries / rate, p50Ms, p99Ms };
      entries = Math.max(ENTRIES_MIN, Math.round(rate * seconds));
      return result;
    },
  };
}

/** Reads the line of figures below the line of headings. */
function readCsv(text: string): Record<keyof typeof COLUMNS, number> {
  const [headings, figures] = text.trim().split("\n").map((line) =>
    line.split(",").map((cell) => cell.replaceAll('"', ""))
  );
  const column = (name: keyof typeof COLUMNS) => Number(figures[headings.indexOf(COLUMNS[name])]);
  return { rate: column("rate"), p50Ms: column("p50Ms"), p99Ms: column("p99Ms") };
}
