import { assert, assertEquals, assertRejects } from "@std/assert";
import { needs } from "./needs.ts";
import { Program } from "./program.ts";

/** Starts a shell script. */
function start(script: string): Program {
  return new Program({ name: "script", command: "sh", args: ["-c", script] });
}

Deno.test(
  needs(["posix", "run", "env", "read"], "Program.line() finds a line that came before the call"),
  async () => {
    await using program = start("echo one; echo two 2; exit 3");
    assertEquals(await program.ended(), 3);
    assertEquals((await program.line(/two (\d)/))[1], "2");
    assertEquals(program.count(/o/), 2);
    assertEquals(program.isRunning, false);
  },
);

Deno.test(
  needs(["posix", "run", "env", "read"], "Program.line() fails when the program exits without it"),
  async () => {
    await using program = start("echo other");
    await assertRejects(() => program.line(/missing/), Error, "script exited without printing");
  },
);

Deno.test(
  needs(["posix", "run", "env", "read"], "Program.ended() fails when the program runs on"),
  async () => {
    await using program = start("echo ready; exec sleep 600");
    await program.line(/ready/);
    await assertRejects(() => program.ended(1), Error, "script did not exit within 0.001 s");
    assert(program.isRunning);
    await program.kill();
    assertEquals(await program.ended(), 137);
  },
);
