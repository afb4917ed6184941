import { assert, assertEquals } from "@std/assert";
import { BetTranslator, type BetTranslatorOptions } from "./bet_translator.ts";
import { plainBet, plainText } from "../testing/plain_model.ts";
import { casesWanted, forAll, type Random } from "../../testing/random.ts";
import { mostlyCommonFields, mutate } from "../testing/wild_bets.ts";

const TODAY = 20261123;
const PLAIN_TODAY = "2026-11-23";
const utf8 = (text: string) => new TextEncoder().encode(text);

const TO_ROWS = new BetTranslator({ notation: "packet to rows", inputBytesMax: 4096 });
const TO_PACKET = new BetTranslator({ notation: "lines to packet", inputBytesMax: 4096 });

/** Translates `text` and returns the output and where the translator stopped. */
function translated(translator: BetTranslator, text: string | Uint8Array, prefix = "") {
  const bytes = typeof text === "string" ? utf8(text) : text;
  translator.input.set(bytes);
  translator.begin(prefix);
  const stoppedAt = translator.translate(0, bytes.length, TODAY);
  const output = new TextDecoder().decode(translator.output.subarray(0, translator.length));
  return { output, stoppedAt, count: translator.count };
}

Deno.test("BetTranslator.translate() turns a packet's bets into rows", {
  permissions: "none",
}, () => {
  const bets = "Juan;Perez;12345678;1980-01-01;5423:Zoë;Ñu;1;2026-11-23;0:";
  assertEquals(translated(TO_ROWS, bets, "9999,"), {
    output: "9999,Juan,Perez,12345678,1980-01-01,5423\n9999,Zoë,Ñu,1,2026-11-23,0\n",
    stoppedAt: utf8(bets).length,
    count: 2,
  });
});

Deno.test(
  "BetTranslator.translate() turns lines into a packet's bets, whether they end in \\n or \\r\\n",
  {
    permissions: "none",
  },
  () => {
    const lines = "Juan,Perez,12345678,1980-01-01,5423\r\nZoë,Ñu,1,2026-11-23,0\n";
    assertEquals(translated(TO_PACKET, lines), {
      output: "Juan;Perez;12345678;1980-01-01;5423:Zoë;Ñu;1;2026-11-23;0:",
      stoppedAt: utf8(lines).length,
      count: 2,
    });
  },
);

Deno.test("BetTranslator.ends includes a bet added between two translations", {
  permissions: "none",
}, () => {
  const input = utf8("A;B;1;1980-01-01;1:C;D;2;1980-01-01;2:");
  TO_ROWS.input.set(input);
  TO_ROWS.begin("1,");
  assertEquals(TO_ROWS.translate(0, 19, TODAY), 19);
  TO_ROWS.add(utf8('1,"x,y",D,2,1980-01-01,2\n'));
  assertEquals(TO_ROWS.translate(19, input.length, TODAY), input.length);
  const { output, ends, length, count } = TO_ROWS;
  const rows = Array.from(ends.subarray(0, count), (end, index) => {
    const start = index === 0 ? 0 : ends[index - 1] + 1;
    return new TextDecoder().decode(output.subarray(start, end));
  });
  assertEquals(rows, ["1,A,B,1,1980-01-01,1", '1,"x,y",D,2,1980-01-01,2', "1,C,D,2,1980-01-01,2"]);
  assertEquals(length, rows.join("\n").length + 1);
});

Deno.test("BetTranslator.translate() stops at the first bet that is invalid or uncommon", {
  permissions: "none",
}, () => {
  const good = "Ana;Paz;1;1980-01-01;1:";
  const others = [
    "x".repeat(65) + ";Paz;1;1980-01-01;1:",
    ";Paz;1;1980-01-01;1:",
    "Ana;Paz;" + "1".repeat(21) + ";1980-01-01;1:",
    "Ana;Paz;1;1980-01-01:",
    "Ana;Paz;1;1980-01-01;:",
    "Ana;Paz;1;1980-01-01;10000:",
    "Ana;Paz;1;1980-01-01;1;:",
    "Ana;Paz;1;1980-01-01;01:",
    "Ana;Paz;1;1980-00-01;1:",
    "Ana;Paz;1;1980-13-01;1:",
    "Ana;Paz;1;1980-01-00;1:",
    "Ana;Paz;1;1980-01-32;1:",
    "Ana;Paz;1;1980-02-29;1:",
    "Ana;Paz;1;1980-04-31;1:",
    "Ana;Paz;1;0000-01-01;1:",
    "Ana;Paz;1;2026-11-24;1:",
    "Ana;Paz;1;198a-01-01;1:",
    "Ana;Paz;1;1980/01-01;1:",
    "Ana;Paz;1;1980-01/01;1:",
    "Ana;Paz;1;1980-01-01,1:",
    "Ana;Paz;1;1980-01-01;1\r:",
    "A\tna;Paz;1;1980-01-01;1:",
    "A\x7fna;Paz;1;1980-01-01;1:",
    "A\x85na;Paz;1;1980-01-01;1:",
    'A"na;Paz;1;1980-01-01;1:',
    "A,na;Paz;1;1980-01-01;1:",
    "A€na;Paz;1;1980-01-01;1:",
    ":",
  ];
  for (const other of others) {
    const expected = { output: "5,Ana,Paz,1,1980-01-01,1\n", stoppedAt: good.length, count: 1 };
    assertEquals(translated(TO_ROWS, good + other + good, "5,"), expected, other);
  }
});

Deno.test("BetTranslator.translate() accepts texts of any length, across vector boundaries", {
  permissions: "none",
}, () => {
  for (let bytes = 1; bytes <= 64; bytes++) {
    for (const name of ["x".repeat(bytes), "ñ".repeat(bytes / 2) + "x".repeat(bytes % 2)]) {
      const document = "1".repeat(Math.min(20, bytes));
      const fields = [name, name, document, "1980-12-31", "9999"];
      const { output } = translated(TO_ROWS, `${fields.join(";")}:`, "12,");
      assertEquals(output, `12,${fields.join(",")}\n`);
    }
  }
});

/** A notation in the terms of the plain model. */
const NOTATIONS: Record<BetTranslatorOptions["notation"], {
  translator: BetTranslator;
  prefix: string;
  from: { separator: string; terminator: string };
  into: { separator: string; terminator: string };
}> = {
  "packet to packet": {
    translator: new BetTranslator({ notation: "packet to packet", inputBytesMax: 4096 }),
    prefix: "",
    from: { separator: ";", terminator: ":" },
    into: { separator: ";", terminator: ":" },
  },
  "packet to rows": {
    translator: TO_ROWS,
    prefix: "42,",
    from: { separator: ";", terminator: ":" },
    into: { separator: ",", terminator: "\n" },
  },
  "lines to packet": {
    translator: TO_PACKET,
    prefix: "",
    from: { separator: ",", terminator: "\n" },
    into: { separator: ";", terminator: ":" },
  },
};

for (const [notation, { translator, prefix, from, into }] of Object.entries(NOTATIONS)) {
  Deno.test(
    `BetTranslator.translate() from ${notation} accepts only what the plain model accepts`,
    {
      permissions: "none",
    },
    () => {
      let taken = 0;
      const cases = casesWanted(20_000);
      forAll({ cases }, (random) => {
        const bets = Array.from({ length: 1 + random.below(3) }, () => wildBet(random, from));
        const input = Uint8Array.from(bets.flatMap((bytes) => [...bytes]));
        const { output, stoppedAt, count } = translated(translator, input, prefix);
        const done = plainText(input.subarray(0, stoppedAt));
        assert(done !== undefined, "the translated input must be UTF-8");
        const parts = done.split(from.terminator);
        assertEquals(parts.pop(), "", "it must stop after a terminator");
        const expected = parts.map((part) => {
          // A carriage return may precede the line feed.
          const bet = notation === "lines to packet" ? part.replace(/\r$/, "") : part;
          const fields = bet.split(from.separator);
          assert(plainBet(fields, PLAIN_TODAY) !== undefined, `the model rejects ${bet}`);
          return prefix + fields.join(into.separator) + into.terminator;
        });
        assertEquals(output, expected.join(""));
        assertEquals(count, parts.length);
        taken += count;
      });
      // Leaving bets to the fallback is never wrong, but the translator must do most of the work.
      assert(taken > cases / 3, `${taken} bets of ${cases} cases`);
    },
  );
}

/** A bet with its terminator, usually a common one. */
function wildBet(
  random: Random,
  { separator, terminator }: { separator: string; terminator: string },
) {
  const fields = mostlyCommonFields(random);
  const end = random.once(8) ? `\r${terminator}` : terminator;
  const bytes = utf8(fields.join(separator) + end);
  return random.once(3) ? Uint8Array.from([...mutate(random, bytes), ...utf8(terminator)]) : bytes;
}
