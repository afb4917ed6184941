import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { readClientSettings } from "../client/settings.ts";
import { parseYaml } from "../client/yaml.ts";
import { readServerSettings } from "../server/settings.ts";
import {
  AGENCIES_MAX,
  AGENCY_DIGITS_MAX,
  BIRTHDATE_BYTES,
  DOCUMENT_BYTES_MAX,
  NAME_BYTES_MAX,
  NUMBER_DIGITS_MAX,
  NUMBER_MAX,
} from "../shared/bet.ts";
import {
  decodeDigestResponse,
  decodeProgressResponse,
  decodeStoreResponse,
  decodeWinnersResponse,
  REFUSED,
  STORED,
} from "../shared/answers.ts";
import {
  BET_BYTES_MAX,
  type BetBatch,
  BetDecoder,
  decodeRequest,
  PACKET_BYTES_MIN,
  PacketError,
  REQUEST_TYPES,
  STORE_BET_BYTES_MAX,
} from "../shared/packets.ts";
import { formatAgencyKeys, parseAgencyKeys } from "../server/gate/agency_keys.ts";
import { NOT_ADMITTED } from "../shared/answers.ts";
import { AUTH_PACKET_BYTES_MAX, AUTH_TYPES } from "../shared/auth_packets.ts";
import { beginClient, beginServer, ITERATIONS, makeVerifier } from "../shared/scram.ts";
import { filesBelow, isProductModule, readProjectFile, tableRows } from "./testing.ts";

const document = readProjectFile("docs/protocol.md");
const RULES = { agencies: 2, today: 20261123 };
const utf8 = (text: string) => new TextEncoder().encode(text);

/** The packets that servers send, and their decoders. */
const ANSWERS: Record<string, (line: Uint8Array) => unknown> = {
  StoreResponse: decodeStoreResponse,
  WinnersResponse: decodeWinnersResponse,
  ProgressResponse: decodeProgressResponse,
  DigestResponse: decodeDigestResponse,
};

/** The cells of each row of all tables, without padding. */
const rows = document.split("\n").filter((line) => line.startsWith("|"))
  .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));

/** Returns a cell, by default the last one, of the row whose first cell starts with `name`. */
function cell(name: string, index = -1): string | undefined {
  return rows.find(([first]) => first.startsWith(name))?.at(index);
}

/** Returns the text of a section, up to the next one. */
function section(heading: string): string {
  return document.split(`\n## ${heading}\n`)[1].split("\n## ")[0];
}

/** Returns the content of each code block of a language. */
function blocks(language: string): string[] {
  return Array.from(document.matchAll(/^```(.*)\n([^]*?)^```$/gm))
    .filter(([, found]) => found === language).map(([, , text]) => text);
}

Deno.test("docs/protocol.md has a section for each packet", () => {
  const packets = section("Packets");
  const headings = Array.from(packets.matchAll(/^### (.*)$/gm), ([, heading]) => heading);
  assertEquals(headings.toSorted(), [...REQUEST_TYPES, ...Object.keys(ANSWERS)].sort());
  for (const line of blocks("")) {
    assert(headings.includes(line.split(":")[0]), line);
    assert(line.endsWith("\\n\n"), line);
  }
  assertEquals(blocks("").length, headings.length + 1, "StoreBatch has two forms");
});

Deno.test("docs/protocol.md lists the requests other than Store packets wherever it lists any", () => {
  const text = section("When the server ends the connection").replaceAll("\n", " ");
  const lists = [/the agency of (.*?) is not part/, /carried out\. ([^.]*) can simply be repeated/];
  for (const list of lists) {
    const [, listed] = list.exec(text)!;
    const names = Array.from(listed.matchAll(/[A-Z]\w+/g), ([name]) => name);
    assertEquals(names, REQUEST_TYPES.filter((type) => !type.startsWith("Store")), listed);
  }
});

Deno.test("shared/mod.ts names every request in its introduction", () => {
  const [introduction] = readProjectFile("shared/mod.ts").split("@example");
  for (const type of REQUEST_TYPES) assertStringIncludes(introduction, type);
});

Deno.test("docs/protocol.md states the limits of fields as in shared/bet.ts", () => {
  assertEquals(cell("agencia", 1), `1 to ${AGENCY_DIGITS_MAX}`);
  assertStringIncludes(cell("agencia")!, `at most ${AGENCIES_MAX}`);
  assertEquals(cell("nombre", 1), `1 to ${NAME_BYTES_MAX}`);
  assertEquals(cell("apellido", 1), `1 to ${NAME_BYTES_MAX}`);
  assertEquals(cell("documento", 1), `1 to ${DOCUMENT_BYTES_MAX}`);
  assertEquals(cell("nacimiento", 1), `${BIRTHDATE_BYTES}`);
  assertEquals(cell("numero", 1), `1 to ${NUMBER_DIGITS_MAX}`);
  assertStringIncludes(cell("numero")!, `0 to ${NUMBER_MAX}:`);
});

Deno.test("docs/protocol.md states the limits of packets as in shared/packets.ts", () => {
  const limits: [string, number][] = [["longest bet in a packet", BET_BYTES_MAX]];
  limits.push(["longest StoreBet", STORE_BET_BYTES_MAX]);
  limits.push(["longest StoreBatch of a bet", PACKET_BYTES_MIN]);
  limits.push(["each further bet of a batch", BET_BYTES_MAX + 1]);
  for (const [name, bytes] of limits) {
    const row = rows.find(([first]) => first === name);
    assertEquals(row?.[2], String(bytes), name);
    const terms = row?.[1].match(/\b\d+\b/g) ?? [];
    assertEquals(terms.reduce((sum, term) => sum + Number(term), 0), bytes, `the sum of ${name}`);
  }
  assertEquals(cell("the lowest limit that can be set"), String(PACKET_BYTES_MIN));
});

Deno.test("docs/protocol.md states the defaults of server and client", () => {
  const server = readServerSettings({
    environment: () => undefined,
    readFile: () => readProjectFile("server/config.ini"),
  });
  const client = readClientSettings({
    parseYaml,
    environment: (name) => name === "CLI_ID" ? "1" : undefined,
    readFile: () => readProjectFile("client/config.yaml"),
  });
  assertEquals(cell("a server"), String(server.packetBytesMax));
  assertEquals(cell("our client"), String(client.batchBytesMax));
  for (const packetBytesMax of [server.packetBytesMax, client.batchBytesMax]) {
    const bets = 1 + Math.floor((packetBytesMax - PACKET_BYTES_MIN) / (BET_BYTES_MAX + 1));
    const prose = document.replaceAll("\n", " ");
    const says = new RegExp(`${bets} (bets fit a packet|fit one) of ${packetBytesMax}\\b`);
    assert(says.test(prose), `${bets} bets fit ${packetBytesMax} bytes`);
  }
  assertStringIncludes(document, `(${server.idleMs / 1000} seconds by default)`);
  assertStringIncludes(document, `(${server.waitingMax} by default)`);
  assertStringIncludes(document, `all places are taken (${server.connectionsMax} by default)`);
  assertStringIncludes(
    document.replaceAll(/\s+/g, " "),
    `(${server.agenciesPerConnectionMax} on a connection by default)`,
  );
  assertStringIncludes(
    document.replaceAll("\n", " "),
    `port ${server.broadcastPort} of ${server.broadcastIp} by default`,
  );
  assertEquals(server.drawPollMs, 1000, "every second by default");
  assertEquals("bet_ended".length, 9, "the nine ASCII bytes");
});

Deno.test("docs/protocol.md shows conversations that follow the rules of the packets", () => {
  const decoder = new BetDecoder("packet");
  const stored = new Map<number, number>();
  const closed = new Set<number>();
  for (const conversation of blocks("conversation")) {
    const answers: string[] = [];
    for (const line of conversation.trimEnd().split("\n")) {
      const [, side, packet] = /^([CS]): (.*)$/.exec(line) ?? [];
      if (side === "C") answers.push(...answersTo(packet));
      else if (!packet.startsWith("WinnersResponse:")) assertEquals(packet, answers.shift());
    }
    assertEquals(answers, []);
  }
  assertEquals([...stored], [[1, 3]]);
  assertEquals([...closed], [1, 2]);

  function answersTo(packet: string): string[] {
    try {
      const request = decodeRequest(utf8(packet), RULES, decoder);
      if ("batch" in request) return [`StoreResponse:${store(request.batch)}`];
      const { type, agency } = request;
      if (type === "ProgressRequest") return [`ProgressResponse:${stored.get(agency) ?? 0}`];
      if (type === "AgencyClose") closed.add(agency);
      return [];
    } catch (error) {
      assert(error instanceof PacketError && error.isStore, packet);
      return [`StoreResponse:${REFUSED}`];
    }
  }

  function store({ agency, count }: BetBatch): number {
    if (closed.has(agency)) return REFUSED;
    stored.set(agency, (stored.get(agency) ?? 0) + count);
    return STORED;
  }
});

Deno.test("docs/protocol.md shows answers that can be decoded", () => {
  const lines = blocks("conversation").join("").split("\n").filter((line) => line.startsWith("S:"));
  for (const line of lines) {
    const answer = line.slice("S: ".length);
    const decode = ANSWERS[answer.split(":")[0]];
    assert(decode !== undefined, `${answer} is none of ${Object.keys(ANSWERS)}`);
    decode(utf8(answer));
  }
  assert(lines.length > 5);
});

Deno.test("docs/protocol.md has commands that send valid packets", () => {
  const pattern = /^printf '(.*)' \| nc -N localhost \d+$/gm;
  const commands = Array.from(document.matchAll(pattern), ([, packets]) => packets);
  assert(commands.length >= 5, `${commands.length} commands`);
  for (const packets of commands) {
    const lines = packets.split("\\n");
    assertEquals(lines.pop(), "", packets);
    for (const line of lines) decodeRequest(utf8(line), RULES, new BetDecoder("packet"));
  }
});

Deno.test("docs/protocol.md translates Spanish names that the programs use", () => {
  const modules = ["server/", "client/", "shared/"].flatMap(filesBelow).filter(isProductModule);
  const source = [document, ...modules.map(readProjectFile)].join("\n");
  const names = tableRows(document, "protocol:spanish").map(([name]) => name);
  assert(names.length > 10);
  for (const name of names) {
    const isUsed = new RegExp(`["{ ;:]${name}["};:, \\n]`).test(source);
    assert(isUsed, `${name} is not used`);
  }
});

Deno.test("docs/protocol.md has a section for each packet of the exchange of keys", () => {
  const keys = section("Keys");
  const headings = Array.from(keys.matchAll(/^### (Auth.*)$/gm), ([, heading]) => heading);
  assertEquals(headings, [...AUTH_TYPES]);
  const lines = blocks("auth");
  assertEquals(lines.map((line) => line.split(":")[0]), [...AUTH_TYPES, "AuthResponse"]);
  assertEquals(lines.at(-1), `AuthResponse:${NOT_ADMITTED}\\n\n`);
  assertStringIncludes(keys, `at most ${AUTH_PACKET_BYTES_MAX} bytes`);
  assertStringIncludes(keys, `at least ${ITERATIONS};`);
});

Deno.test("docs/protocol.md shows an exchange of keys as client and server make it", async () => {
  const [exchange] = blocks("exchange");
  const [request, challenge, proof, response] = exchange.trimEnd().split("\n")
    .map((line) => line.replace(/^[CS]: Auth\w+:/, ""));
  const [, agency, key] = /^Agency (\d+) has the key `([\w-]{43})`/m.exec(document)!;
  const [keyLine] = blocks("keys");
  const secret = new Uint8Array(32);
  const head = formatAgencyKeys({ secret, verifiers: new Map() });
  const verifier = parseAgencyKeys(head + keyLine).verifiers.get(Number(agency))!;
  assertEquals(await makeVerifier(key, verifier), verifier);

  const nonce = request.split(",r=")[1];
  const client = beginClient({ name: agency, key, nonce });
  assertEquals(client.first, request);
  const serverNonce = challenge.split(",")[0].slice(`r=${nonce}`.length);
  const challenged = beginServer(request).challenge(verifier, serverNonce);
  assertEquals(challenged.message, challenge);
  const proved = await client.answer(challenge);
  assertEquals(proved.final, proof);
  assertEquals(await challenged.check(proof), response);
  assert(proved.isServer(response));
});
