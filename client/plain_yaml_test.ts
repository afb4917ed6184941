import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { needs } from "../testing/needs.ts";
import { forAll } from "../testing/random.ts";
import { parsePlainYaml, UncommonYamlError } from "./plain_yaml.ts";
import { parseYaml } from "./yaml.ts";

Deno.test({
  ...needs(["read"], "parsePlainYaml() parses the project's own config.yaml"),
  fn() {
    const text = Deno.readTextFileSync(`${import.meta.dirname}/config.yaml`);
    assertEquals(parsePlainYaml(text), parseYaml(text) as ReturnType<typeof parsePlainYaml>);
  },
});

Deno.test("parsePlainYaml() parses keys, sections and comments", () => {
  const text = `# settings
server: # of servers
  address: "server:12345"

  # in between
  name: example.org # of the certificate
data: ./data/agency-1.csv
log:
`;
  assertEquals(parsePlainYaml(text), {
    server: { address: "server:12345", name: "example.org" },
    data: "./data/agency-1.csv",
    log: null,
  });
});

Deno.test("parsePlainYaml() leaves every other form to the full parser", () => {
  for (
    const text of [
      "a: 'b'",
      'a: "b\\n"',
      "a: [b]",
      "a: {b: c}",
      "- a",
      "a: &x b",
      "a: |\n  b",
      "a:\n  b:\n    c: d",
      "a:\n  b: c\n   d: e",
      "  a: b",
      "a: b\n  c: d",
      "a: b\na: c",
      "a:\tb",
      "a: b\r\n",
      "a: b: c",
      "a: b c",
      "a:b",
      "---\na: b",
      "%YAML 1.2",
      "text",
      "\u00a0",
      "\t# a",
    ]
  ) assertThrows(() => parsePlainYaml(text), UncommonYamlError, undefined, text);
});

Deno.test("parsePlainYaml() agrees with the full parser wherever it gives an answer", () => {
  const parts = [
    ...["a", "b", "log", "_x", "1", "-", "~", "null", "true", "0x1F", "1:2", ":", ": ", "#", " #"],
    ...['"', '"a"', "'", "\\", "\n", "\n", "\n  ", "\n ", " ", "\t", "a: ", "b: ", "a:\n  b: c\n"],
    ...[
      "[",
      "]",
      "{",
      "}",
      ",",
      "&",
      "*",
      "!",
      "|",
      ">",
      "%",
      "@",
      "?",
      "á",
      "---",
      "...",
      "<<",
      "/",
    ],
  ];
  let agreed = 0;
  forAll({ cases: 20_000 }, (random) => {
    const text = Array.from({ length: random.below(9) }, () => random.pick(parts)).join("");
    const plain = tryToParse(text);
    if (plain === undefined) return;
    assertEquals(plain, (parseYaml(text) ?? {}) as typeof plain, JSON.stringify(text));
    agreed++;
  });
  assert(agreed > 500, `only ${agreed} texts were plain`);
});

function tryToParse(text: string): ReturnType<typeof parsePlainYaml> | undefined {
  try {
    return parsePlainYaml(text);
  } catch (error) {
    assertInstanceOf(error, UncommonYamlError);
  }
}
