import { assert, assertEquals } from "@std/assert";
import type { PanelOptions } from "./panel.ts";
import { Screen, type Terminal } from "./screen.ts";

function setUp(changed: Partial<Terminal> = {}) {
  const written: string[] = [];
  const asked: PanelOptions[] = [];
  const screen = new Screen({
    write: (text) => written.push(text),
    isTerminal: true,
    noColor: false,
    size: () => ({ columns: 100, rows: 4 }),
    ...changed,
  });
  const draw = (options: PanelOptions) => {
    asked.push(options);
    return ["one", "two", "three", "four"];
  };
  return { written, asked, show: (isRepeated: boolean) => screen.show(draw, { isRepeated }) };
}

Deno.test("Screen.show() draws over what it has drawn before, and not beyond the last row", () => {
  const { asked, show, written } = setUp();
  show(true);
  show(true);
  const lines = "one\x1b[K\ntwo\x1b[K\nthree\x1b[K\n\x1b[J";
  assertEquals(written, [`\x1b[2J\x1b[H${lines}`, `\x1b[H${lines}`]);
  assertEquals(asked[0], { columns: 100, rows: 4, colors: true });
});

Deno.test("Screen.show() writes plain lines where there is no terminal, without colors", () => {
  const { asked, show, written } = setUp({ isTerminal: false });
  show(true);
  show(true);
  assertEquals(written, ["one\ntwo\nthree\nfour\n", "\none\ntwo\nthree\nfour\n"]);
  assertEquals(asked[0], { columns: 80, rows: undefined, colors: false });
});

Deno.test("Screen.show() has no colors with NO_COLOR, and 80 columns if the width is not known", () => {
  const { asked, show, written } = setUp({ noColor: true, size: () => undefined });
  show(false);
  assertEquals(asked[0], { columns: 80, rows: undefined, colors: false });
  assert(!written[0].includes("\x1b"));
});
