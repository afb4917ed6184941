import { assertEquals, assertMatch } from "@std/assert";
import { beginClient, makeVerifier } from "../shared/scram.ts";
import { needs } from "../testing/needs.ts";
import { CERTIFICATES, type TestAuthority, testAuthority } from "../testing/tls_folder.ts";
import { noKeys } from "./gate/agency_keys.ts";
import { writeKeyFile } from "./gate/key_file.ts";
import { askChallenge } from "./health.ts";
import { STORE_BATCH, STORED } from "./testing/requests.ts";
import { startServer, TestClient } from "./testing/start_server.ts";

const REFUSAL = "AuthResponse:e=not-admitted\n";
const KEYS: Record<number, string> = { 1: "key of one", 2: "key of two" };

/** Starts a server whose agencies 1 and 2 have keys. */
async function startGuarded(test: TestAuthority, { waitingMax = 1024 } = {}) {
  const entries = Object.entries(KEYS).map(async ([agency, key]) =>
    [Number(agency), await makeVerifier(key)] as const
  );
  const agencyKeys = `${test.folder}/agency.keys`;
  writeKeyFile(agencyKeys, { ...noKeys(), verifiers: new Map(await Promise.all(entries)) });
  const tls = await test.authority.issue({ name: "server", hosts: ["localhost"] });
  return await startServer({ agencies: 2, tls, agencyKeys, waitingMax });
}

/** Sends the packets of an exchange. Returns the server's last answer. */
async function prove(client: TestClient, agency: number, key: string): Promise<string> {
  const exchange = beginClient({ name: String(agency), key });
  const challenge = await client.ask(`AuthRequest:${exchange.first}\n`);
  const proof = await exchange.answer(challenge.trimEnd().replace("AuthChallenge:", ""));
  return await client.ask(`AuthProof:${proof.final}\n`);
}

/** Connects as an agency that knows its key. */
async function connectAs(agency: number, port: number, test: TestAuthority): Promise<TestClient> {
  const client = await TestClient.connectTls(port, test);
  assertMatch(await prove(client, agency, KEYS[agency]), /^AuthResponse:v=/);
  return client;
}

Deno.test({
  ...needs(CERTIFICATES, "Server lets agencies with keys do all their work, as without keys"),
  async fn() {
    await using test = await testAuthority();
    await using server = await startGuarded(test);
    const { port } = server.server;
    await askChallenge({ hostname: "127.0.0.1", port });
    using one = await connectAs(1, port, test);
    using two = await connectAs(2, port, test);
    assertEquals(await one.ask(STORE_BATCH), STORED);
    assertEquals(await one.ask("StoreBet:1;bad\n"), "StoreResponse:1\n");
    assertEquals(await one.ask("ProgressRequest:1\n"), "ProgressResponse:2\n");
    assertEquals(await two.ask("StoreBet:2;Eva;Rey;34054835;1990-05-05;7574\n"), STORED);
    await two.send("AgencyClose:2\nWinnersRequest:2\n");
    await one.send("AgencyClose:1\n");
    assertEquals(await two.line(), "WinnersResponse:34054835\n");
    assertEquals(server.server.connections().refused, { tls: 0, keys: 0, agency: 0, place: 0 });
  },
});

Deno.test({
  ...needs(
    CERTIFICATES,
    "Server stores no bet, closes no agency and tells no winner without a key",
  ),
  async fn(t) {
    await using test = await testAuthority();
    await using server = await startGuarded(test);
    const { port } = server.server;
    const requests = ["AgencyClose:1\n", "WinnersRequest:1\n", "ProgressRequest:1\n"];
    for (const packet of [STORE_BATCH, ...requests, "DigestRequest:1\n", "nonsense\n"]) {
      await t.step(`no key: ${packet.trim()}`, async () => {
        using client = await TestClient.connectTls(port, test);
        // What follows in the same write is not read either.
        await client.send(packet + STORE_BATCH);
        assertEquals(await client.rest(), REFUSAL);
      });
    }
    await t.step("a wrong key", async () => {
      using client = await TestClient.connectTls(port, test);
      assertEquals(await prove(client, 1, KEYS[2]), REFUSAL);
      await client.sendUntilClosed(new TextEncoder().encode(STORE_BATCH));
      assertEquals(await client.rest(), "");
    });
    await t.step("packets sent together with the exchange", async () => {
      using client = await TestClient.connectTls(port, test);
      const { first } = beginClient({ name: "1", key: "guess" });
      await client.send(`AuthRequest:${first}\nAuthProof:c=biws,r=x,p=x\n${STORE_BATCH}`);
      assertMatch(await client.rest(), /^AuthChallenge:\S+\nAuthResponse:e=not-admitted\n$/);
    });
    assertEquals(server.disk.text("bets.csv"), "");
    assertEquals(server.disk.text("agencies_closed.txt"), "");
    assertEquals(server.server.connections().refused.keys, 8);
    await server.logged("not admitted");
    using honest = await connectAs(2, port, test);
    assertEquals(await honest.ask("ProgressRequest:2\n"), "ProgressResponse:0\n");
  },
});

Deno.test({
  ...needs(CERTIFICATES, "Server ends a connection that speaks for another agency than its own"),
  async fn(t) {
    await using test = await testAuthority();
    await using server = await startGuarded(test);
    const { port } = server.server;
    const requests = ["AgencyClose:1\n", "WinnersRequest:1\n", "ProgressRequest:1\n"];
    for (const packet of [STORE_BATCH, ...requests, "DigestRequest:1\n"]) {
      await t.step(packet.trim(), async () => {
        using client = await connectAs(2, port, test);
        assertEquals(await client.ask("ProgressRequest:2\n"), "ProgressResponse:0\n");
        await client.send(`${packet}ProgressRequest:2\n`);
        assertEquals(await client.rest(), "");
      });
    }
    await server.logged("of agency 1: this connection speaks for agency 2", 5);
    await t.step("a second exchange", async () => {
      using client = await connectAs(2, port, test);
      const { first } = beginClient({ name: "1", key: KEYS[1] });
      await client.send(`AuthRequest:${first}\n`);
      assertEquals(await client.rest(), "");
    });
    assertEquals(server.disk.text("bets.csv"), "");
    assertEquals(server.disk.text("agencies_closed.txt"), "");
  },
});

Deno.test({
  ...needs(CERTIFICATES, "Server stops at once while a peer is within the exchange"),
  async fn() {
    await using test = await testAuthority();
    await using server = await startGuarded(test);
    using silent = await TestClient.connectTls(server.server.port, test);
    const { first } = beginClient({ name: "1", key: KEYS[1] });
    assertMatch(await silent.ask(`AuthRequest:${first}\n`), /^AuthChallenge:/);
    await server.stop();
    assertEquals(await silent.rest(), "");
  },
});

Deno.test("Server without keys does not know AuthRequest, as before", async () => {
  await using server = await startServer();
  using client = await server.connect();
  await client.send(`AuthRequest:${beginClient({ name: "1", key: "x" }).first}\n`);
  assertEquals(await client.rest(), "");
});
