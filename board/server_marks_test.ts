import { assertEquals } from "@std/assert";
import { ServerMarks } from "./server_marks.ts";
import { silent, viewOf } from "./testing.ts";

Deno.test("ServerMarks shows a server that stops answering as dead at once", () => {
  const marks = new ServerMarks();
  const look = (...parts: Parameters<typeof viewOf>) =>
    marks.mark(viewOf(...parts)).map(({ mark }) => mark);
  const other = { name: "server2" };
  assertEquals(look({ bets: [5], servers: [{ name: "server1" }, other] }), ["up", "up"]);
  const servers = [silent("server1", 1000), other];
  assertEquals(look({ atMs: 1000, bets: [5], servers }), ["dead", "up"]);
  assertEquals(look({ bets: [5], servers: [{ name: "server1", ready: false }, other] }), [
    ...["busy", "up"],
  ]);
});

Deno.test("ServerMarks gives servers time to start, and to start again after a stop", () => {
  const marks = new ServerMarks();
  const look = (atMs: number) =>
    marks.mark(viewOf({ atMs, servers: [silent("server1", 0)] }))[0].mark;
  assertEquals([look(0), look(9_999), look(10_000)], ["busy", "busy", "dead"]);
  marks.mark(viewOf({ servers: [{ name: "server1", state: "stopping" }] }));
  assertEquals([look(0), look(9_999), look(10_000)], ["busy", "busy", "dead"]);
});

Deno.test("ServerMarks shows servers that end after the draw as stopped, unless others go on", () => {
  const marks = new ServerMarks();
  const bets = [-5];
  const both = [{ name: "server1" }, { name: "server2" }];
  assertEquals(marks.mark(viewOf({ bets, servers: both })).map(({ mark }) => mark), ["up", "up"]);
  const one = [silent("server1", 1000), { name: "server2" }];
  assertEquals(marks.mark(viewOf({ atMs: 1500, bets, servers: one }))[0].mark, "stopped");
  assertEquals(marks.mark(viewOf({ atMs: 4000, bets, servers: one }))[0].mark, "dead");
  const none = [silent("server1", 1000), silent("server2", 4500)];
  const over = marks.mark(viewOf({ atMs: 90_000, bets, servers: none }));
  assertEquals(over.map(({ mark }) => mark), ["stopped", "stopped"]);
});

Deno.test("ServerMarks names servers behind a name after their hosts, and follows those that move", () => {
  const marks = new ServerMarks();
  const names = (servers: Parameters<typeof viewOf>[0]["servers"]) =>
    marks.mark(viewOf({ servers })).map(({ name, mark }) => `${name} ${mark}`);
  const [first, second, third] = ["10.0.0.2:1", "10.0.0.3:1", "10.0.0.4:1"];
  const server1 = { name: first, host: "server1" };
  assertEquals(names([server1, { name: second, host: "server2" }]), ["server1 up", "server2 up"]);
  const gone = { ...silent(second, 0), state: "gone", host: "server2" } as const;
  assertEquals(names([server1, gone]), ["server1 up", "server2 dead"]);
  const moved = { name: third, host: "server2" };
  assertEquals(names([server1, gone, moved]), ["server1 up", "server2 up"]);
  // Processes of one machine share its name.
  const twins = [{ name: first, host: "h" }, { name: second, host: "h" }];
  assertEquals(names(twins), [`${first} up`, `${second} up`]);
});
