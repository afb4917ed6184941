import { assertEquals } from "@std/assert";
import { needs, PROGRAMS } from "../../testing/needs.ts";
import { ServiceProcess } from "./service_process.ts";

/** Starts a shell script, whose lines are added to `lines`. */
function start(script: string, lines: string[]): ServiceProcess {
  return new ServiceProcess({
    command: "sh",
    args: ["-c", script],
    cwd: "/",
    onLine: (line) => lines.push(line),
    outputGraceMs: 20,
  });
}

Deno.test(needs(PROGRAMS, "ServiceProcess passes on every line, then its exit code"), async () => {
  const lines: string[] = [];
  const service = start("echo one; echo two >&2; printf three; exit 3", lines);
  assertEquals(await service.ended, 3);
  assertEquals(lines.sort(), ["one", "three", "two"]);
});

Deno.test(
  needs(PROGRAMS, "ServiceProcess ends although a leftover process keeps its output open"),
  async () => {
    const lines: string[] = [];
    const service = start("sleep 600 & echo $!", lines);
    assertEquals(await service.ended, 0);
    Deno.kill(Number(lines[0]), "SIGKILL");
  },
);

Deno.test(
  needs(PROGRAMS, "ServiceProcess.stop() kills a program that ignores SIGTERM"),
  async () => {
    const lines: string[] = [];
    const ready = Promise.withResolvers<void>();
    const service = new ServiceProcess({
      command: "sh",
      args: ["-c", "trap '' TERM; echo ready; while :; do :; done"],
      cwd: "/",
      onLine: (line) => {
        lines.push(line);
        ready.resolve();
      },
    });
    await ready.promise;
    assertEquals(await service.stop(10), 137);
    assertEquals(lines, ["ready"]);
  },
);
