import { assertEquals, assertStringIncludes } from "@std/assert";
import { needs } from "../../../testing/needs.ts";
import { Program } from "../../../testing/program.ts";

const MODULE = import.meta.resolve("./abandoned_sockets.ts");

/** Runs code in a process of its own, after sockets were abandoned. Returns its exit code and output. */
async function run(code: string): Promise<{ code: number; output: string }> {
  const source = `
    import { Socket } from "node:net";
    import { surviveAbandonedSockets } from "${MODULE}";
    surviveAbandonedSockets();
    surviveAbandonedSockets();
    setTimeout(() => console.log("alive"), 50);
    ${code}`;
  await using process = new Program({ name: "process", args: ["eval", source] });
  return { code: await process.ended(), output: process.lines.join("\n") };
}

Deno.test(
  needs(["run", "env"], "surviveAbandonedSockets() ignores a reset that no listener hears of"),
  async () => {
    const reset =
      'Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET", syscall: "read" })';
    const emit = `setTimeout(() => new Socket().emit("error", ${reset}), 0);`;
    assertEquals(await run(emit), { code: 0, output: "alive" });
  },
);

Deno.test(
  needs(["run", "env"], "surviveAbandonedSockets() lets every other error end the process"),
  async () => {
    for (
      const error of ['new Error("ours")', 'Object.assign(new Error("ours"), { code: "ENOENT" })']
    ) {
      const { code, output } = await run(`setTimeout(() => { throw ${error}; }, 0);`);
      assertEquals(code, 1);
      assertStringIncludes(output, "ours");
    }
  },
);
