import { assertEquals } from "@std/assert";
import { escapeMessage, isReadable, quoteRefused, quoteText } from "./readable.ts";

const NONE = { permissions: "none" } as const;

/** Ranges of code points that no reader sees. */
const UNREADABLE: [from: number, to: number][] = [
  [0x00, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x61c, 0x61c],
  [0x180b, 0x180e],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xd800, 0xdfff],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xfff9, 0xfffb],
  [0xe0000, 0xe007f],
];

Deno.test("quoteText() escapes every character that no reader sees", NONE, () => {
  for (const [from, to] of UNREADABLE) {
    for (let point = from; point <= to; point++) {
      const text = `a${String.fromCodePoint(point)}b`;
      const quoted = quoteText(text);
      assertEquals(/^[ -~]+$/.test(quoted), true, `U+${point.toString(16)}: ${quoted}`);
      assertEquals(JSON.parse(quoted), text);
      assertEquals(isReadable(text), false);
    }
  }
});

Deno.test("quoteText() keeps what people can read", NONE, () => {
  const texts = [
    "José Ñáñez",
    "李小龍",
    "Ελένη",
    "محمد",
    "שרה",
    "नेहा",
    "𝄞 😀",
    "a\u00a0b",
    "e\u0301",
  ];
  for (const text of texts) {
    assertEquals(quoteText(text), `"${text}"`);
    assertEquals(isReadable(text), true, text);
  }
});

Deno.test("quoteRefused() also escapes blanks that are not the space", NONE, () => {
  assertEquals(quoteRefused("42 \u00a0\u2003\u3000é\ufeff"), '"42 \\u00a0\\u2003\\u3000é\\ufeff"');
});

Deno.test("escapeMessage() escapes everything but line feeds", NONE, () => {
  const message = "Cannot read \u202egpj.exe:\n  - \x1b[2Jnothing\r\n  - \ufeffé";
  const shown = "Cannot read \\u202egpj.exe:\n  - \\u001b[2Jnothing\\u000d\n  - \\ufeffé";
  assertEquals(escapeMessage(message), shown);
});
