import { assertEquals } from "@std/assert";
import { Printer } from "./printer.ts";

Deno.test("Printer.line() aligns lines behind names and keeps them without colours", () => {
  const printed: string[] = [];
  const kept: string[] = [];
  const printer = new Printer({
    nameCharsMax: 7,
    colours: true,
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
