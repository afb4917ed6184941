import { assertEquals } from "@std/assert";
import { ServiceProcess } from "./service_process.ts";
import { runsPrograms } from "../testing.ts";

/** Starts a script of the shell. Its lines come into `lines`. */
function start(script: string, lines: string[]): ServiceProcess {
  return new ServiceProcess({
    command: "sh",
    args: ["-c", script],
    cwd: "/",
    onLine: (line) => lines.push(line),
    outputPatienceMs: 20,
  });
}

Deno.test(runsPrograms("ServiceProcess hands on every line, and then the exit code"), async () => {
  const lines: string[] = [];
  const service = start("echo one; echo two >&2; printf three; exit 3", lines);
  assertEquals(await service.ended, 3);
  assertEquals(lines.sort(), ["one", "three", "two"]);
});

Deno.test(
  runsPrograms(
    "ServiceProcess does not wait for one that holds the output of a program that has ended",
  ),
  async () => {
    const lines: string[] = [];
    const service = start("sleep 600 & echo $!", lines);
    assertEquals(await service.ended, 0);
    Deno.kill(Number(lines[0]), "SIGKILL");
  },
);

Deno.test(runsPrograms("ServiceProcess.stop() forces a program that does not end"), async () => {
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
});
