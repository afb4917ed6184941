import { assert, assertEquals } from "@std/assert";
import { needing } from "./needs.ts";
import { TestProcess } from "../testing/processes.ts";

const PROCESSES = { run: true, write: true, env: true };

/** Starts the least benchmark there is, in a folder of its own. */
async function startBench(
  ...flags: string[]
): Promise<AsyncDisposable & { process: TestProcess; files: () => string[] }> {
  const folder = await Deno.makeTempDir({ prefix: "lottery bench test " });
  const args = ["run", "-A", "bench/main.ts", "--smoke", "--folder", folder, ...flags];
  const process = new TestProcess("bench", { args, env: {} });
  return {
    process,
    files: () => [...Deno.readDirSync(folder)].map(({ name }) => name),
    async [Symbol.asyncDispose]() {
      await process.stop();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** A figure as the benchmark tells it. */
function assertSpread(figure: unknown, name: string): void {
  const { min, median, max } = figure as Record<string, number>;
  assert(min <= median && median <= max && Number.isFinite(median), `${name} is no figure`);
}

Deno.test({
  ...needing("bench prints one JSON object with all figures, and leaves no files", PROCESSES),
  async fn() {
    await using bench = await startBench("--json");
    assertEquals(await bench.process.ended(), 0, bench.process.output());
    const figures = JSON.parse(bench.process.lines.join("\n"));
    const wanted = {
      startup: ["ms", "ratio"],
      intake: ["betsPerSecond", "ratio", "ratioToOneEmpty", "p50Ms", "p99Ms"],
      clients: ["betsPerSecond", "ratio"],
      coldDraws: ["coldMs", "bytesPerSecond"],
      warmDraws: ["warmMs"],
      growth: ["betsPerSecond", "ratio", "ratioToOneEmpty", "p50Ms"],
    };
    for (const [section, names] of Object.entries(wanted)) {
      assert(figures[section].length > 0, section);
      for (const row of figures[section]) {
        for (const name of names) assertSpread(row[name], `${section}: ${name}`);
      }
    }
    assertEquals(bench.files(), []);
  },
});

Deno.test({
  ...needing("bench leaves no files when it is interrupted", PROCESSES),
  async fn() {
    await using bench = await startBench();
    await bench.process.line(/Storing bets/);
    bench.process.signal("SIGINT");
    assertEquals(await bench.process.ended(), 130, bench.process.output());
    assertEquals(bench.files(), []);
  },
});
