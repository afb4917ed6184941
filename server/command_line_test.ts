import { assertEquals, assertMatch } from "@std/assert";
import { needs } from "../testing/needs.ts";
import { Program } from "../testing/program.ts";

/** Runs a program of the server without permissions: it cannot read settings, listen or open a ledger. */
async function run(program: string, args: string[]): Promise<{ code: number; output: string }> {
  await using process = new Program({
    name: program,
    args: ["run", "--quiet", "--no-prompt", `server/${program}.ts`, ...args],
  });
  return { code: await process.ended(), output: process.lines.join("\n") };
}

for (const program of ["main", "health"]) {
  Deno.test({
    ...needs(
      ["run", "env"],
      `server/${program}.ts prints its usage or version and does nothing else`,
    ),
    fn: async () => {
      for (const args of [["--help"], ["-h"], ["--version", "--help"]]) {
        const { code, output } = await run(program, args);
        assertEquals(code, 0, output);
        for (const part of [/^Usage: /m, /config\.ini/, /^Exit codes: /m]) {
          assertMatch(output, part);
        }
      }
      const { code, output } = await run(program, ["--version"]);
      assertEquals(code, 0, output);
      assertMatch(output, /^\d+\.\d+\.\d+$/);
    },
  });

  Deno.test({
    ...needs(["run", "env"], `server/${program}.ts exits with 2 for any other argument`),
    fn: async () => {
      for (const args of [["--port", "9999"], ["9999"], ["--help=yes"], ["-x"], ["--", "x"]]) {
        const { code, output } = await run(program, args);
        assertEquals(code, 2, output);
        assertMatch(output, /--help shows the usage/);
      }
    },
  });
}
