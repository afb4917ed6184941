import { assert, assertEquals } from "@std/assert";
import { natsServers } from "../testing/nats_server.ts";
import { needs } from "../testing/needs.ts";
import { Program } from "../testing/program.ts";
import { tempFolder } from "../testing/temp_folder.ts";

/** Starts the shortest benchmark, which puts its files into `folder`. */
function startBench(folder: string, ...flags: string[]): Program {
  const args = ["run", "-A", "bench/main.ts", "--smoke", "--folder", folder, ...flags];
  return new Program({ name: "bench", args });
}

/** Figures that are differences to a floor: null means noise. */
const DIFFERENCES = ["coldMs", "unknownMs"];

/** Asserts that a figure of several runs has a median between its bounds. */
function assertSpread(figure: unknown, name: string): void {
  const { min, median, max } = figure as Record<string, number | null>;
  const known = [min, median, max].filter((one) => one !== null);
  if (!DIFFERENCES.includes(name)) assertEquals(known.length, 3, `${name} is noise`);
  assert(known.every(Number.isFinite), `${name} is not a figure`);
  assertEquals(known, known.toSorted((a, b) => a - b), name);
  if (DIFFERENCES.includes(name)) assert(known.every((one) => one > 0), `${name} is negative`);
}

Deno.test(
  needs(
    ["run", "write", "env"],
    "bench prints one JSON object with all figures, and leaves no files",
  ),
  async () => {
    await using folder = tempFolder();
    const sections = [
      ...["startup", "intake", "questions", "clients", "coldDraws", "warmDraws", "growth"],
      ...["watched", "beside"],
    ];
    await using bench = startBench(folder.path, "--json", ...sections);
    assertEquals(await bench.ended(), 0, bench.output());
    const figures = JSON.parse(bench.lines.join("\n"));
    const expected = {
      startup: ["ms", "ratio"],
      intake: ["betsPerSecond", "ratio", "ratioToOneEmpty", "p50Ms", "p99Ms"],
      questions: ["betsPerSecond", "ratio", "answerP50Ms", "answerP99Ms"],
      beside: ["betsPerSecond", "ours", "p50Ms", "p99Ms"],
      clients: ["betsPerSecond", "ratio"],
      coldDraws: ["coldMs", "unknownMs"],
      warmDraws: ["warmMs"],
      growth: ["betsPerSecond", "ratio", "ratioToOneEmpty", "p50Ms"],
      watched: ["betsPerSecond", "ratio"],
    };
    for (const [section, names] of Object.entries(expected)) {
      assert(figures[section].length > 0, section);
      for (const row of figures[section]) {
        for (const name of names) assertSpread(row[name], name);
      }
    }
    assertEquals([...Deno.readDirSync(folder.path)], []);
  },
);

/** Returns which version of the nodes each figure is of, without repeats, and asserts that all are figures. */
function assertLedgers(figures: Record<string, unknown>[]): unknown[] {
  for (const row of figures) {
    const names = "what" in row
      ? ["betsPerSecond", "ofPublish", "ofServer", "ofSync", "p50Ms"]
      : ["answerMs", "winnersMs"];
    for (const name of names) assertSpread(row[name], name);
  }
  return [...new Set(figures.map(({ nats }) => nats))];
}

Deno.test(
  needs(
    ["run", "write", "env", "net", "natsServer"],
    "bench measures both ledgers, and whole lotteries, with each nats-server that is here",
  ),
  async () => {
    await using folder = tempFolder();
    await using bench = startBench(folder.path, "--json", "ledgers", "crowd");
    assertEquals(await bench.ended(), 0, bench.output());
    const { ledgers, crowd } = JSON.parse(bench.lines.join("\n"));
    const versions = natsServers().map(({ version }) => version);
    assertEquals(assertLedgers(ledgers), versions);
    assertEquals(crowd.length, 1);
    assert(crowd[0].drawSeconds > 0);
    assertEquals([...Deno.readDirSync(folder.path)], []);
  },
);

Deno.test(
  needs(["run", "write", "env", "net", "openssl"], "bench measures what TLS and keys cost"),
  async () => {
    await using folder = tempFolder();
    await using bench = startBench(folder.path, "--json", "gate");
    assertEquals(await bench.ended(), 0, bench.output());
    const { gate } = JSON.parse(bench.lines.join("\n"));
    const transports = gate.map(({ transport }: { transport: string }) => transport);
    assertEquals(transports, ["TCP", "TLS", "TLS, keys"]);
    for (const row of gate) {
      for (const name of ["betsPerSecond", "ratio", "p50Ms"]) assertSpread(row[name], name);
    }
    assertEquals([...Deno.readDirSync(folder.path)], []);
  },
);

Deno.test(
  needs(["run", "write", "env"], "bench says what is missing where there is no nats-server"),
  async () => {
    const args = ["run", "-A", "bench/main.ts", "--smoke", "ledgers", "crowd"];
    const env = { NATS_SERVER: "/nowhere/nats-server" };
    await using bench = new Program({ name: "bench", args, env });
    assertEquals(await bench.ended(), 0, bench.output());
    assertEquals(bench.count(/^Skipped: this needs nats-server 2\.10\.23 or later/), 2);
  },
);

Deno.test(
  needs(["run", "write", "env"], "bench says what is missing where there is no Redis"),
  async () => {
    const args = ["run", "-A", "bench/main.ts", "--smoke", "beside"];
    await using bench = new Program({ name: "bench", args, env: { PATH: "/nowhere" } });
    assertEquals(await bench.ended(), 0, bench.output());
    assertEquals(bench.count(/^Not measured: this needs Redis \(Debian: apt-get install/), 1);
    assertEquals(bench.count(/ ours \|/), 1, bench.output());
  },
);

Deno.test(
  needs(["run", "env"], "bench says which folder it cannot compare with"),
  async () => {
    const args = ["run", "-A", "bench/main.ts", "--smoke", "--against", "/nowhere"];
    await using bench = new Program({ name: "bench", args });
    assertEquals(await bench.ended(), 2, bench.output());
    assertEquals(bench.count(/Cannot use --against \/nowhere/), 1, bench.output());
  },
);

Deno.test(
  needs(["run", "write", "env"], "bench leaves no files when it is interrupted"),
  async () => {
    await using folder = tempFolder();
    await using bench = startBench(folder.path);
    await bench.line(/Storing bets/);
    bench.signal("SIGINT");
    assertEquals(await bench.ended(), 130, bench.output());
    assertEquals([...Deno.readDirSync(folder.path)], []);
  },
);
