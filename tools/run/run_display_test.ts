import { assertEquals } from "@std/assert";
import { chooseDisplay } from "./run_display.ts";

const NONE = { verbose: false, plain: false, json: false };

/** Returns what is chosen on a terminal, or without one, with these variables. */
function chosen(flags = {}, { isTerminal = true, ...env }: Record<string, unknown> = {}) {
  return chooseDisplay({ ...NONE, ...flags }, {
    isTerminal: isTerminal as boolean,
    env: (name) => env[name] as string | undefined,
  });
}

Deno.test("chooseDisplay() shows the panel to somebody at a terminal, and lines to others", () => {
  assertEquals(chosen(), "panel");
  assertEquals(chosen({}, { CI: "", TERM: "xterm" }), "panel");
  assertEquals(chosen({}, { CI: "false" }), "panel");
  assertEquals(chosen({}, { CI: "true" }), "lines");
  assertEquals(chosen({}, { isTerminal: false }), "lines");
  assertEquals(chosen({}, { TERM: "dumb" }), "plain");
});

Deno.test("chooseDisplay() obeys the flags everywhere", () => {
  for (const where of [{}, { CI: "1" }, { isTerminal: false }]) {
    assertEquals(chosen({ verbose: true }, where), "lines");
    assertEquals(chosen({ plain: true }, where), "plain");
    assertEquals(chosen({ json: true }, where), "json");
  }
});
