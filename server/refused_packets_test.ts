import { assert, assertEquals, assertMatch } from "@std/assert";
import { startServer } from "./testing/start_server.ts";
import { rowsOf } from "./testing/witness.ts";
import { REFUSED, servesHonestClient, STORE_BET, STORED } from "./testing/requests.ts";

const BET = "Ana;Paz;1;1980-01-01;1";

const BAD_STORES: Record<string, string | Uint8Array> = {
  "an empty StoreBet": "StoreBet:\n",
  "a StoreBet without bet": "StoreBet:1\n",
  "a StoreBet with an empty bet": "StoreBet:1;\n",
  "an empty StoreBatch": "StoreBatch:\n",
  "a StoreBatch without bets": "StoreBatch:1;\n",
  "a StoreBatch without bets in the other spelling": "StoreBatch:1:\n",
  "a batch whose last bet is empty": `StoreBatch:1;${BET}:\n`,
  "a batch whose middle bet is empty": `StoreBatch:1;${BET}::${BET}\n`,
  "agency 0": `StoreBet:0;${BET}\n`,
  "an agency too high": `StoreBet:6;${BET}\n`,
  "an agency below zero": `StoreBet:-1;${BET}\n`,
  "an agency that is not a number": `StoreBatch:x;${BET}\n`,
  "an agency with a space": `StoreBet: 1;${BET}\n`,
  "an agency of 400 digits": `StoreBet:${"1".repeat(400)};${BET}\n`,
  "two bets in a StoreBet": `StoreBet:1;${BET}:${BET}\n`,
  "a StoreBet in the spelling of a batch": `StoreBet:1:${BET}\n`,
  "a field too few": "StoreBet:1;Ana;Paz;1;1980-01-01\n",
  "a field too many": `StoreBet:1;${BET};1\n`,
  "an empty first name": "StoreBet:1;;Paz;1;1980-01-01;1\n",
  "an empty document": "StoreBet:1;Ana;Paz;;1980-01-01;1\n",
  "a name of 65 bytes": `StoreBet:1;${"x".repeat(65)};Paz;1;1980-01-01;1\n`,
  "a document of 21 bytes": `StoreBet:1;Ana;Paz;${"1".repeat(21)};1980-01-01;1\n`,
  "a day that does not exist": "StoreBet:1;Ana;Paz;1;1981-02-29;1\n",
  "a birthdate in the future": "StoreBet:1;Ana;Paz;1;9999-01-01;1\n",
  "a birthdate in words": "StoreBet:1;Ana;Paz;1;1980/01/01;1\n",
  "number 10000": "StoreBet:1;Ana;Paz;1;1980-01-01;10000\n",
  "number 17574": "StoreBet:1;Ana;Paz;1;1980-01-01;17574\n",
  "a number below zero": "StoreBet:1;Ana;Paz;1;1980-01-01;-1\n",
  "a number followed by a space": "StoreBet:1;Ana;Paz;1;1980-01-01;1 \n",
  "a control character": "StoreBet:1;An\x00a;Paz;1;1980-01-01;1\n",
  "a lone carriage return": "StoreBet:1;An\ra;Paz;1;1980-01-01;1\n",
  "bytes that are not UTF-8": Uint8Array.of(
    ...new TextEncoder().encode("StoreBet:1;"),
    0xff,
    0xc0,
    ...new TextEncoder().encode(";Paz;1;1980-01-01;1\n"),
  ),
  "one bad bet among good ones": `StoreBatch:1;${BET}:${BET}:Ana;Paz;1;1980-13-01;1:${BET}\n`,
};

Deno.test("Server refuses an invalid Store packet and keeps the connection", async (test) => {
  await using server = await startServer();
  for (const [name, packet] of Object.entries(BAD_STORES)) {
    await test.step(name, async () => {
      using client = await server.connect();
      await client.send(packet);
      assertEquals(await client.line(), REFUSED);
      assertEquals(await client.ask("ProgressRequest:1\n"), "ProgressResponse:0\n");
      await servesHonestClient(server);
    });
  }
  assert(rowsOf(server.disk).every(([agency]) => agency === "5"));
  const reason = server.lines.find((line) => line.includes("bet 3: birthdate"));
  assertMatch(reason ?? "", /^action: apuestas_almacenadas \| result: fail .*bet 3: birthdate/);
});

const BAD_PACKETS: Record<string, string | Uint8Array> = {
  "an empty line": "\n",
  "a line without type": "hello\n",
  "an unknown type": "StoreAll:1\n",
  "a type in lower case": `storebet:1;${BET}\n`,
  "a space before the type": ` StoreBet:1;${BET}\n`,
  "a type without colon": "WinnersRequest\n",
  "a type with a byte order mark": `\ufeffStoreBet:1;${BET}\n`,
  "an answer": "StoreResponse:0\n",
  "an AgencyClose without agency": "AgencyClose:\n",
  "an AgencyClose of agency 0": "AgencyClose:0\n",
  "an AgencyClose of an agency too high": "AgencyClose:6\n",
  "an AgencyClose followed by more": "AgencyClose:1;2\n",
  "an AgencyClose of something that is not a number": "AgencyClose:1e0\n",
  "a WinnersRequest of agency 0": "WinnersRequest:0\n",
  "a WinnersRequest of an agency too high": "WinnersRequest:99999999999999999999\n",
  "a ProgressRequest of agency 6": "ProgressRequest:6\n",
  "a ProgressRequest without agency": "ProgressRequest:\n",
  "a DigestRequest of agency 6": "DigestRequest:6\n",
  "a DigestRequest without agency": "DigestRequest:\n",
  "a request of the web": "GET / HTTP/1.1\r\nHost: lottery\r\n\r\n",
  "a hello of TLS": Uint8Array.of(0x16, 0x03, 0x01, 0x00, 0x0a, 0x01, 0x00, 0x0a),
  "zeros": new Uint8Array(1000).with(999, 0x0a),
};

Deno.test("Server closes the connection after a line that is not a packet", async (test) => {
  await using server = await startServer();
  for (const [name, packet] of Object.entries(BAD_PACKETS)) {
    await test.step(name, async () => {
      using client = await server.connect();
      assertEquals(await client.ask(STORE_BET), STORED);
      // The packets after it are read but not answered.
      await client.send(packet);
      await client.send(STORE_BET.repeat(2000));
      await client.endSending();
      assertEquals(await client.rest(), "");
      assertEquals(client.wasReset, false);
      await servesHonestClient(server);
    });
  }
  const stored = rowsOf(server.disk).filter(([agency]) => agency === "1");
  assertEquals(stored.length, Object.keys(BAD_PACKETS).length);
  assertEquals(server.disk.text("agencies_closed.txt"), "");
  const refusals = server.lines.filter((line) => /^action: receive_message .* error: /.test(line));
  assertEquals(refusals.length, Object.keys(BAD_PACKETS).length);
});

Deno.test("Server stores the longest packet and refuses one a byte longer", async () => {
  const packetBytesMax = 1000;
  await using server = await startServer({ packetBytesMax });
  using client = await server.connect();
  const start = `StoreBatch:1;${Array(40).fill(BET).join(":")}:Ana;Paz;1;1980-01-01;1`;
  const fill = packetBytesMax - start.length - 1;
  const packet = start.replace(
    /Ana;Paz/g,
    (name, at) => at < 20 ? `Ana${"a".repeat(fill)};Paz` : name,
  );
  assertEquals(packet.length + 1, packetBytesMax);
  assertEquals(await client.ask(`${packet}\n`), STORED);
  assertEquals(await client.ask(`${packet.replace("Paz", "Pazz")}\n`), REFUSED);
  assertEquals(await client.rest(), "");
});

const LONG_PACKETS = [
  { name: "a Store packet", start: "StoreBatch:1;", length: 100_000, end: "\n", answer: REFUSED },
  {
    name: "an endless Store packet",
    start: "StoreBet:1;",
    length: 70_000,
    end: "",
    answer: REFUSED,
  },
  {
    name: "a huge Store packet",
    start: "StoreBatch:",
    length: 900_000,
    end: "\n",
    answer: REFUSED,
  },
  { name: "another packet", start: "AgencyClose:", length: 100_000, end: "\n", answer: "" },
  { name: "something that is not a packet", start: "x", length: 100_000, end: "", answer: "" },
];

for (const { name, start, length, end, answer } of LONG_PACKETS) {
  Deno.test(`Server ends the connection after ${name} over the limit`, async () => {
    await using server = await startServer();
    using client = await server.connect();
    await client.send(STORE_BET + start.padEnd(length, "1") + end);
    await client.endSending();
    assertEquals(await client.rest(), STORED + answer);
    // A reset could have discarded the answer.
    assertEquals(client.wasReset, false);
    assertEquals(rowsOf(server.disk).length, 1);
    await servesHonestClient(server);
  });
}

Deno.test("Server answers a client that never stops sending before it ends the connection", async () => {
  await using server = await startServer();
  using client = await server.connect();
  const answer = client.line();
  await client.sendUntilClosed(new TextEncoder().encode("StoreBatch:1;".padEnd(8_000_000, "x")));
  assertEquals(await answer, REFUSED);
  await servesHonestClient(server);
});
