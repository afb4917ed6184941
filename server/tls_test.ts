import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { needs } from "../testing/needs.ts";
import { CERTIFICATES, testAuthority } from "../testing/tls_folder.ts";
import { startServer, TestClient } from "./testing/start_server.ts";
import { STORE_BATCH, STORED } from "./testing/requests.ts";

const HOSTS = ["localhost"];

Deno.test({
  ...needs(CERTIFICATES, "Server answers over TLS as it does over TCP"),
  async fn() {
    await using test = await testAuthority();
    const tls = await test.authority.issue({ name: "server", hosts: HOSTS });
    await using server = await startServer({ tls });
    const { port } = server.server;
    using client = await TestClient.connectTls(port, test);
    assertEquals(await client.ask(STORE_BATCH), STORED);
    assertEquals(await client.ask("ProgressRequest:1\n"), "ProgressResponse:2\n");
    using waiting = await TestClient.connectTls(port, test);
    await waiting.send("WinnersRequest:1\n");
    await waiting.endSending();
    await client.send([1, 2, 3, 4, 5].map((agency) => `AgencyClose:${agency}\n`).join(""));
    assertEquals(await waiting.rest(), "WinnersResponse:\n");
    // A packet that is refused, and the end of the connection, arrive as well.
    assertEquals(await client.ask(STORE_BATCH), "StoreResponse:1\n");
    await client.send("nonsense\n");
    assertEquals(await client.rest(), "");
  },
});

Deno.test({
  ...needs(CERTIFICATES, "Server refuses a peer without TLS on a TLS port, and logs what to do"),
  async fn() {
    await using test = await testAuthority();
    const tls = await test.authority.issue({ name: "server", hosts: HOSTS });
    await using server = await startServer({ tls });
    for (const packet of [STORE_BATCH, "ProgressRequest:1\n", "\n", "\x16\x04garbage\n"]) {
      using client = await server.connect();
      await client.send(packet);
      const answer = new TextEncoder().encode(await client.rest());
      assertEquals([...answer.subarray(0, 2)], [0x15, 3], "an alert of TLS");
    }
    assertEquals(server.disk.text("bets.csv"), "");
    await server.logged("the peer does not speak TLS, which this port requires: set server.tls");
    assertEquals(server.server.connections().refused, { tls: 4, keys: 0, agency: 0, place: 0 });
    using client = await TestClient.connectTls(server.server.port, test);
    assertEquals(await client.ask("ProgressRequest:1\n"), "ProgressResponse:0\n");
  },
});

Deno.test({
  ...needs(CERTIFICATES, "Server refuses a TLS handshake on a plain port, and logs what to do"),
  async fn() {
    await using test = await testAuthority();
    await using server = await startServer();
    using client = await TestClient.connectTls(server.server.port, test);
    await assertRejects(() => client.ask("ProgressRequest:1\n"), Error, "ProtocolVersion");
    await server.logged("the peer speaks TLS and this port does not: set SERVER_TLS_CERT");
    assertEquals(server.server.connections().refused, { tls: 1, keys: 0, agency: 0, place: 0 });
    using plain = await server.connect();
    assertEquals(await plain.ask("ProgressRequest:1\n"), "ProgressResponse:0\n");
  },
});

Deno.test({
  ...needs(CERTIFICATES, "Server logs that a peer refuses its certificate"),
  async fn() {
    await using test = await testAuthority();
    await using stranger = await testAuthority();
    const tls = await test.authority.issue({ name: "server", hosts: HOSTS });
    await using server = await startServer({ tls });
    const { port } = server.server;
    for (const demands of [stranger, { ca: test.ca, name: "another.example" }]) {
      using client = await TestClient.connectTls(port, demands);
      await assertRejects(() => client.ask(STORE_BATCH), Deno.errors.InvalidData);
    }
    await server.logged("the peer refuses the certificate of this server", 2);
    assertStringIncludes(server.lines.join("\n"), "UnknownCA");
    assertEquals(server.disk.text("bets.csv"), "");
  },
});
