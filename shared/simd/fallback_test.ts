import { assertEquals, assertMatch } from "@std/assert";
import { needs } from "../../testing/needs.ts";
import { CLIENT_LEVELS, openLog } from "../logging.ts";
import { warnWithoutVectorInstructions } from "./fallback.ts";

const ROOT = new URL("../..", import.meta.url);
/** V8 flags that stand in for a processor, or for a policy, without vector instructions. */
const FLAGS = ["--no-enable-sse4-1", "--no-enable-ssse3", "--jitless"];
/** Tests of everything that translates bets or scans rows. None of them asks for vector code. */
const TESTS = [
  "client/bet_lines_test.ts",
  "client/rows_digest_test.ts",
  "client/ways_in_test.ts",
  "server/ledger/file/row_audit_test.ts",
  "server/ledger/tally_test.ts",
  "shared/framing_test.ts",
  "shared/packets_test.ts",
  "shared/simd/line_feed_test.ts",
  "shared/simd/row_scanner_test.ts",
  "shared/wild_lines_test.ts",
];

async function run(args: string[], flag: string) {
  const env = { DENO_V8_FLAGS: flag, NO_COLOR: "1" };
  const command = new Deno.Command(Deno.execPath(), { args, cwd: ROOT, env });
  const { code, stdout, stderr } = await command.output();
  return { code, output: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

for (const flag of FLAGS) {
  Deno.test(needs(["run"], `hasVectorInstructions() returns false with ${flag}`), async () => {
    const script = `import { hasVectorInstructions } from "./shared/simd/kernel.ts";
      console.log(hasVectorInstructions());`;
    assertEquals(await run(["eval", script], flag), { code: 0, output: "false\n" });
  });
}

Deno.test(
  needs(["run"], "bets and rows pass the same tests without vector instructions"),
  async () => {
    const args = ["test", "--no-check", "--quiet", "-A", ...TESTS, "--", "--cases=500"];
    const { code, output } = await run(args, FLAGS[0]);
    assertEquals(code, 0, output);
    assertMatch(output, /ok \| \d{2,} passed/);
  },
);

Deno.test("warnWithoutVectorInstructions() says nothing where they are available", () => {
  const lines: string[] = [];
  const sink = (line: string) => void lines.push(line);
  warnWithoutVectorInstructions(openLog({ levels: CLIENT_LEVELS, level: "debug", sink }));
  assertEquals(lines, []);
});
