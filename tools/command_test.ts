import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { integerFlag, UsageError } from "./command.ts";
import { PROJECT_ROOT } from "./project.ts";
import { needs, PROGRAMS } from "../testing/needs.ts";
import { tempFolder } from "../testing/temp_folder.ts";

Deno.test("integerFlag() reads an integer within its range, or returns the default", () => {
  const rule = { min: 1, max: 9, default: 5 };
  assertEquals(integerFlag("n", "7", rule), 7);
  assertEquals(integerFlag("n", undefined, rule), 5);
  for (const text of ["", "0", "10", "1.5", "-1", "x"]) {
    assertThrows(() => integerFlag("n", text, rule), UsageError, `--n is "${text}"`);
  }
  const required = { min: 1, max: 9 };
  assertThrows(() => integerFlag("n", undefined, required), UsageError, "--n is missing: give an");
});

/** Runs a program in `folder`. */
async function run(program: string, args: string[], folder: string) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", program, ...args],
    cwd: folder,
    stdin: "null",
    env: { NO_COLOR: "1" },
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: decode(stdout), err: decode(stderr) };
}

/** Returns the names of the tasks that a program of this project runs, and their programs. */
async function programs(): Promise<[task: string, program: string][]> {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${PROJECT_ROOT}/deno.json`));
  const commands = Object.entries(tasks as Record<string, { command: string }>);
  return commands.map(([task, { command }]): [string, string] => {
    const program = /^deno run -A (\S+\.ts)$/.exec(command)?.[1];
    return [task, program ?? ""];
  }).filter(([, program]) => program !== "");
}

Deno.test("every task but test is a program of its own", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${PROJECT_ROOT}/deno.json`));
  const own = (await programs()).map(([task]) => task);
  assertEquals(Object.keys(tasks).filter((task) => !own.includes(task)), ["test"]);
});

for (const [task, program] of await programs()) {
  Deno.test(
    needs(PROGRAMS, `${task} --help only prints its usage; an unknown flag points to it`),
    async () => {
      await using folder = await tempFolder();
      const path = `${PROJECT_ROOT}/${program}`;
      for (const args of [["--help"], ["-h"], ["--color\u202e", "--help"]]) {
        const { code, out, err } = await run(path, args, folder.path);
        assertEquals([code, err], [0, ""], `${args}`);
        assertMatch(out, new RegExp(`^Usage: .+ task ${task}\\b`, "m"));
      }
      const { code, out, err } = await run(path, ["--color\u202e"], folder.path);
      assertEquals([code, out], [2, ""]);
      assertStringIncludes(err, `task ${task} --help`);
      assertStringIncludes(err, "--color\\u202e");
      assertEquals(await Array.fromAsync(Deno.readDir(folder.path)), []);
    },
  );
}

Deno.test(
  needs(PROGRAMS, ".ci/run --help only prints its usage; an unknown argument runs nothing"),
  async () => {
    const ciRun = async (...args: string[]) => {
      const command = new Deno.Command(`${PROJECT_ROOT}/.ci/run`, { args, stdin: "null" });
      const { code, stdout, stderr } = await command.output();
      const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      return { code, out: decode(stdout), err: decode(stderr) };
    };
    for (const args of [["--help"], ["-h"], ["--color", "--help"]]) {
      const { code, out, err } = await ciRun(...args);
      assertEquals([code, err], [0, ""], `${args}`);
      assertMatch(out, /^Usage: \.ci\/run\n/);
    }
    for (const argument of ["--color", "tests", ""]) {
      const { code, out, err } = await ciRun(argument);
      assertEquals([code, out], [2, ""], argument);
      assertStringIncludes(err, ".ci/run --help");
    }
  },
);
