import { assertEquals, assertStringIncludes } from "@std/assert";
import { needs } from "../testing/needs.ts";
import { startClient } from "../testing/clients.ts";

/** Reverses what follows it, hides, and clears a terminal. */
const HOSTILE = "\u202e\u200b\x1b[2J\ufeff";
const ADDRESS = { hostname: "127.0.0.1", port: 1 };

/** Wrong arguments and settings, each with what the message must say. */
const CASES: { args?: string[]; env?: Record<string, string>; code: number; says: string }[] = [
  { args: [`--${HOSTILE}`], code: 2, says: "\\u202e\\u200b\\u001b[2J\\ufeff" },
  { args: [`paz${HOSTILE}é`], code: 2, says: "paz\\u202e\\u200b\\u001b[2J\\ufeffé" },
  { env: { CLI_ID: `1${HOSTILE}1` }, code: 2, says: '"1\\u202e\\u200b\\u001b[2J\\ufeff1"' },
  { env: { CLI_CONFIG: `./no${HOSTILE}file` }, code: 2, says: "./no\\u202e\\u200b\\u001b[2J" },
  { env: { CLI_DATA: `./no${HOSTILE}.csv` }, code: 3, says: "./no\\u202e\\u200b\\u001b[2J" },
];

for (const { args = [], env, code, says } of CASES) {
  Deno.test(
    needs(["run", "write", "env"], `client escapes what nobody can read: ${says}`),
    async () => {
      await using client = startClient({ agency: 1, address: ADDRESS, data: "x.csv", env, args });
      assertEquals(await client.ended(), code, client.output());
      const output = client.lines.join("\n");
      assertStringIncludes(output, says);
      assertEquals(/[^\n -~é]/.test(output), false, JSON.stringify(output));
    },
  );
}
