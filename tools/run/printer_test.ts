import { assertEquals } from "@std/assert";
import { Printer } from "./printer.ts";

Deno.test("Printer.line() aligns lines after the names of services, and keeps them without colors", () => {
  const printed: string[] = [];
  const kept: string[] = [];
  const printer = new Printer({
    names: ["server1", "docker"],
    colors: true,
    print: (line) => printed.push(line),
    keep: (line) => kept.push(line),
  });
  printer.line("server1", "one");
  printer.line("docker", "two");
  printer.line("server1", "three");
  printer.say("four");
  assertEquals(kept, ["server1 | one", "docker  | two", "server1 | three", "four"]);
  assertEquals(printed, [
    "\x1b[36mserver1 |\x1b[0m one",
    "\x1b[33mdocker  |\x1b[0m two",
    "\x1b[36mserver1 |\x1b[0m three",
    "four",
  ]);
});

Deno.test("Printer.say() keeps lines after the screen is gone", () => {
  const kept: string[] = [];
  let prints = 0;
  const printer = new Printer({
    names: ["server1"],
    print: () => {
      prints++;
      throw new Error("Broken pipe");
    },
    keep: (line) => kept.push(line),
  });
  printer.say("one");
  printer.say("two");
  assertEquals([kept, prints], [["one", "two"], 1]);
});

Deno.test("Printer.say() prints lines after the file's disk is full, and says so once", () => {
  const printed: string[] = [];
  let keeps = 0;
  const printer = new Printer({
    names: ["server1"],
    print: (line) => printed.push(line),
    keep: () => {
      keeps++;
      throw new Error("No space left on device (os error 28)");
    },
  });
  printer.say("one");
  printer.say("two");
  const remark = "The log of this run is not kept any more: No space left on device (os error 28)";
  assertEquals([printed, keeps], [[remark, "one", "two"], 1]);
});
