import { assertEquals } from "@std/assert";
import { LivePanel } from "./live_panel.ts";

function setUp() {
  const written: string[] = [];
  const size = { columns: 80, rows: 4 };
  const panel = new LivePanel({
    write: (text) => written.push(text),
    isTerminal: true,
    noColor: true,
    size: () => ({ ...size }),
  });
  const draw = (...lines: string[]) => {
    panel.draw(() => lines);
    return written.splice(0).join("");
  };
  return { panel, size, draw, written };
}

Deno.test("LivePanel.draw() draws over the last panel, and never more than fits above the cursor", () => {
  const { draw } = setUp();
  assertEquals(draw("one", "two"), "\x1b[Kone\n\x1b[Ktwo\n\x1b[J");
  assertEquals(draw("1", "2", "3", "4"), "\x1b[2A\r\x1b[K1\n\x1b[K2\n\x1b[K3\n\x1b[J");
  assertEquals(draw("1"), "\x1b[3A\r\x1b[K1\n\x1b[J");
});

Deno.test("LivePanel.say() prints lines that stay above the panel", () => {
  const { draw, panel, written } = setUp();
  panel.say("first");
  assertEquals(written.splice(0), ["\x1b[Jfirst\n"]);
  draw("one", "two");
  panel.say("second");
  assertEquals(written.splice(0), ["\x1b[2A\r\x1b[Jsecond\n\x1b[Kone\n\x1b[Ktwo\n"]);
  panel.erase();
  assertEquals(written.splice(0), ["\x1b[2A\r\x1b[J"]);
});

Deno.test("LivePanel.draw() starts over on a terminal of another size", () => {
  const { draw, panel, size, written } = setUp();
  panel.say("first");
  draw("one");
  written.splice(0);
  size.columns = 40;
  assertEquals(draw("one"), "\x1b[2J\x1b[Hfirst\n\x1b[Kone\n\x1b[J");
  assertEquals(draw("one"), "\x1b[1A\r\x1b[Kone\n\x1b[J");
});

Deno.test("LivePanel goes on when its terminal is gone", () => {
  let writes = 0;
  const panel = new LivePanel({
    write: () => {
      writes++;
      throw new Error("Input/output error (os error 5)");
    },
    isTerminal: true,
    noColor: true,
    size: () => undefined,
  });
  panel.draw(() => ["one"]);
  panel.say("two");
  panel.erase();
  assertEquals(writes, 1);
});
