import { assertEquals } from "@std/assert";
import { RunProgress } from "./run_progress.ts";

const LISTENS = "2026-11-27 10:00:00 INFO     action: listen | result: success | port: 12345";

function setUp() {
  const clock = { nowMs: 0 };
  const others = ["client1", "client2"];
  const servers = ["server1", "server2"];
  const progress = new RunProgress({ servers, others, now: () => clock.nowMs });
  return { clock, progress, marks: () => Object.fromEntries(progress.marks) };
}

Deno.test("RunProgress.marks: a server that dies is restarting until it listens again, or dead", () => {
  const { marks, progress } = setUp();
  assertEquals(marks(), { server1: "starting", server2: "starting" });
  for (const name of ["server1", "server2"]) progress.line(name, LISTENS);
  progress.answered(["server1", "server2"], 0);
  assertEquals(marks(), {});
  progress.end("server1", 137);
  progress.line("server1", "server1 was killed (137). Starting it again");
  assertEquals(marks(), { server1: "restarting" });
  assertEquals(progress.describeServers(), "server1 is being started again");
  progress.line("server1", LISTENS);
  progress.answered(["server1"], 0);
  assertEquals([marks(), progress.describeServers()], [{}, undefined]);
  progress.end("server2", 1);
  progress.down("server2");
  progress.end("client1", 4);
  assertEquals(marks(), { server2: "dead" });
  progress.stopping();
  progress.end("server1", 0);
  progress.end("server2", 0);
  assertEquals(marks(), { server2: "dead", server1: "stopped" });
});

Deno.test("RunProgress.marks: a server that listens keeps its mark until it answers, for three seconds", () => {
  const { clock, marks, progress } = setUp();
  clock.nowMs = 500;
  progress.line("server1", LISTENS);
  // Its predecessor, or another server, has answered.
  progress.answered(["server1", "server2"], 400);
  assertEquals(marks(), { server1: "starting", server2: "starting" });
  clock.nowMs = 3501;
  assertEquals(marks(), { server2: "starting" });
  progress.end("server1", 137);
  assertEquals(marks(), { server1: "restarting", server2: "starting" });
});

Deno.test("RunProgress.describeStep() says how long a step takes, and whom stopping waits for", () => {
  const { clock, progress } = setUp();
  for (const name of ["server1", "server2", "client1", "docker"]) progress.line(name, "a line");
  progress.begin("Building the images");
  assertEquals(progress.describeStep(), "Building the images");
  clock.nowMs = 61_000;
  progress.begin("Building the images");
  assertEquals(progress.describeStep(), "Building the images, 1 min 01 s");
  progress.stopping();
  progress.begin("Stopping clients and servers");
  const waiting = "Stopping clients and servers: waiting for";
  assertEquals(progress.describeStep(), `${waiting} server1, server2 and client1`);
  progress.end("client1", 143);
  progress.end("server1", 0);
  assertEquals(progress.describeStep(), `${waiting} server2`);
  progress.end("server2", 0);
  assertEquals(progress.describeStep(), "Stopping clients and servers");
});
