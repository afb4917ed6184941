import { assertEquals, assertRejects } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { TaskError } from "../project.ts";
import { ServiceSupervisor, type SupervisedProcess } from "./service_supervisor.ts";

const LISTENS = "INFO action: listen | result: success | port: 1";

/** A server whose processes the test ends. */
class FakeServer {
  readonly lines: string[] = [];
  readonly exits: number[] = [];
  starts = 0;
  isDown = false;
  /** How a process ends that is stopped. */
  stopExit = 0;
  say: (line: string) => void = () => {};
  readonly supervisor: ServiceSupervisor;
  #end: (exitCode: number) => void = () => {};

  constructor() {
    this.supervisor = new ServiceSupervisor({
      name: "server1",
      spawn: (onLine) => this.#spawn(onLine),
      onLine: (line) => this.lines.push(line),
      onEnd: (exitCode) => this.exits.push(exitCode),
      onDown: () => this.isDown = true,
      now: Date.now,
    });
  }

  /** Ends the current process, and lets its supervisor react. */
  async end(exitCode: number): Promise<void> {
    this.#end(exitCode);
    await this.supervisor.ended;
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  }

  #spawn(onLine: (line: string) => void): SupervisedProcess {
    const { promise: ended, resolve } = Promise.withResolvers<number>();
    this.starts++;
    this.say = onLine;
    this.#end = resolve;
    const stop = () => {
      resolve(this.stopExit);
      return ended;
    };
    return { pid: this.starts, ended, stop };
  }
}

Deno.test("ServiceSupervisor starts a killed server again, after a pause that doubles", async () => {
  using time = new FakeTime();
  const server = new FakeServer();
  server.say(LISTENS);
  await server.supervisor.listening;
  for (const pauseMs of [100, 200, 400, 800]) {
    const { starts } = server;
    await server.end(137);
    await time.tickAsync(pauseMs - 1);
    assertEquals(server.starts, starts);
    await time.tickAsync(1);
    assertEquals(server.starts, starts + 1);
    assertEquals(server.supervisor.pid, starts + 1);
  }
  assertEquals([server.exits, server.isDown], [[137, 137, 137, 137], false]);
  assertEquals(server.lines.at(-1), "server1 was killed (137). Starting it again");
  server.say(LISTENS);
  assertEquals(server.lines.slice(-2), [LISTENS, "server1 listens again"]);
});

Deno.test("ServiceSupervisor.restart() stops the process and starts another, which is no failure", async () => {
  using _time = new FakeTime();
  const server = new FakeServer();
  server.say(LISTENS);
  assertEquals(await server.supervisor.restart(1000), true);
  assertEquals([server.starts, server.exits, server.isDown], [2, [0], false]);
  assertEquals(server.supervisor.pid, 2);
  // The new process is watched as the first one was.
  await server.end(137);
  assertEquals(server.lines.at(-1), "server1 was killed (137). Starting it again");
  // A restart in the pause before that takes its place.
  assertEquals(await server.supervisor.restart(1000), true);
  assertEquals(server.starts, 3);
  await server.supervisor.stop(1000);
  assertEquals(await server.supervisor.restart(1000), false);
  assertEquals(server.starts, 3);
});

Deno.test("ServiceSupervisor.restart() starts one process for one that had to be killed", async () => {
  using time = new FakeTime();
  const server = new FakeServer();
  server.say(LISTENS);
  server.stopExit = 137;
  assertEquals(await server.supervisor.restart(1000), true);
  await time.tickAsync(60_000);
  assertEquals([server.starts, server.exits, server.lines], [2, [137], [LISTENS]]);
});

Deno.test("ServiceSupervisor.restart() leaves a server alone that has failed for good", async () => {
  const server = new FakeServer();
  server.say(LISTENS);
  server.say("CRITICAL action: ledger | result: fail | error: the disk has failed");
  await server.end(1);
  assertEquals([server.isDown, server.starts], [true, 1]);
  assertEquals(await server.supervisor.restart(1000), false);
  assertEquals(server.starts, 1);
});

Deno.test("ServiceSupervisor gives up after five quick failures in a row, and says so", async () => {
  using time = new FakeTime();
  const server = new FakeServer();
  server.say(LISTENS);
  for (let failure = 1; failure <= 3; failure++) {
    await server.end(137);
    await time.tickAsync(60_000);
  }
  // Having run for a minute, a failure is no longer a quick one.
  await time.tickAsync(10_000);
  await server.end(137);
  for (let failure = 1; failure <= 5; failure++) {
    assertEquals(server.isDown, false);
    await time.tickAsync(5000);
    server.say("CRITICAL action: start | result: fail | error: the volume is gone");
    await server.end(1);
  }
  assertEquals([server.isDown, server.starts], [true, 9]);
  await time.tickAsync(600_000);
  assertEquals(server.starts, 9);
  assertEquals(server.lines.slice(-1), [
    "server1 ended with exit code 1 and is not started again: it failed 5 times within seconds of its start",
  ]);
});

Deno.test("ServiceSupervisor does not start a server again whose ledger has failed", async () => {
  using time = new FakeTime();
  const server = new FakeServer();
  server.say(LISTENS);
  server.say("CRITICAL action: ledger | result: fail | error: fdatasync: I/O error");
  await server.end(1);
  await time.tickAsync(600_000);
  assertEquals([server.starts, server.isDown], [1, true]);
  const end = "server1 ended with exit code 1 and is not started again: its ledger failed";
  assertEquals(server.lines.at(-1), end);
});

Deno.test("ServiceSupervisor starts no server again that has ended in good order, or is stopped", async () => {
  using time = new FakeTime();
  const ended = new FakeServer();
  ended.say(LISTENS);
  await ended.end(0);
  const stopped = new FakeServer();
  stopped.say(LISTENS);
  await stopped.end(137);
  await stopped.supervisor.stop(1000);
  await time.tickAsync(600_000);
  assertEquals([ended.starts, stopped.starts], [1, 1]);
  assertEquals([ended.isDown, stopped.isDown], [false, false]);
});

Deno.test("ServiceSupervisor.listening rejects with the server's reason if it cannot start", async () => {
  const server = new FakeServer();
  server.say(
    "CRITICAL action: start | result: fail | error: No space left on device (os error 28)",
  );
  const rejected = assertRejects(
    () => server.supervisor.listening,
    TaskError,
    "server1 cannot start: No space left on device (os error 28)",
  );
  await server.end(1);
  await rejected;
  assertEquals(server.starts, 1);
});

Deno.test("ServiceSupervisor starts a server again that was killed before it listened", async () => {
  using time = new FakeTime();
  const server = new FakeServer();
  await server.end(137);
  await time.tickAsync(100);
  server.say(LISTENS);
  await server.supervisor.listening;
  assertEquals(server.starts, 2);
});
