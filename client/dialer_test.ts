import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { decodeProgressResponse } from "../shared/mod.ts";
import { needs } from "../testing/needs.ts";
import { CERTIFICATES, testAuthority } from "../testing/tls_folder.ts";
import { connect, ConnectionError } from "./connection.ts";
import { type Dialer, TCP_DIALER, tlsDialer } from "./dialer.ts";

const REQUEST = new TextEncoder().encode("ProgressRequest:1\n");
const ANSWER = new TextEncoder().encode("ProgressResponse:7\n");

type Reaction = (connection: Deno.Conn) => Promise<void>;

/** Answers one packet of each connection; keeps what it received. */
class AnsweringServer implements AsyncDisposable {
  /** What the clients sent, as it was received. */
  received = "";
  readonly #listener: Deno.TcpListener | Deno.TlsListener;
  readonly #serving: Promise<void>;

  constructor(tls?: { cert: string; key: string }, react: Reaction = answer) {
    const address = { hostname: "127.0.0.1", port: 0 };
    this.#listener = tls ? Deno.listenTls({ ...address, ...tls }) : Deno.listen(address);
    this.#serving = this.#serve(react);
  }

  get address() {
    return this.#listener.addr;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
  }

  async #serve(react: Reaction): Promise<void> {
    for await (const connection of this.#listener) {
      try {
        const bytes = new Uint8Array(4096);
        const count = await connection.read(bytes) ?? 0;
        this.received += new TextDecoder().decode(bytes.subarray(0, count));
        await react(connection);
      } catch {
        // The handshake failed.
      }
      connection.close();
    }
  }
}

async function answer(connection: Deno.Conn): Promise<void> {
  await connection.write(ANSWER);
}

async function ask({ address }: AnsweringServer, dialer: Dialer): Promise<number> {
  using connection = await connect(address, { dialer, timeoutMs: 10_000 });
  return await connection.ask(REQUEST, decodeProgressResponse);
}

async function pairOf({ certFile, keyFile }: { certFile: string; keyFile: string }) {
  return { cert: await Deno.readTextFile(certFile), key: await Deno.readTextFile(keyFile) };
}

Deno.test({
  ...needs(CERTIFICATES, "tlsDialer() speaks with a server whose certificate is for the name"),
  async fn() {
    await using test = await testAuthority();
    const hosts = ["server", "10.1.2.3"];
    const issued = await test.authority.issue({ name: "server", hosts });
    await using server = new AnsweringServer(await pairOf(issued));
    for (const name of hosts) {
      assertEquals(await ask(server, tlsDialer({ name, caCerts: [test.ca] })), 7);
    }
    assertEquals(server.received, "ProgressRequest:1\n".repeat(2));
  },
});

Deno.test({
  ...needs(
    CERTIFICATES,
    "tlsDialer() sends nothing to a server that it cannot trust, and says why",
  ),
  async fn(t) {
    await using test = await testAuthority();
    await using stranger = await testAuthority();
    const good = await test.authority.issue({ name: "good", hosts: ["server"] });
    const expired = await test.authority.issue({ name: "expired", hosts: ["server"], days: -1 });
    const own = { name: "server", caCerts: [test.ca] };
    const table = [
      { name: "an expired certificate", files: expired, demands: own, message: "has expired" },
      {
        name: "a certificate for another name",
        files: good,
        demands: { ...own, name: "other" },
        message: "is not for other: check server.address, or set server.name",
      },
      {
        name: "an unknown authority",
        files: good,
        demands: { ...own, caCerts: [stranger.ca] },
        message: "comes from an unknown authority: set server.ca",
      },
      {
        name: "no authority but the public ones",
        files: good,
        demands: { ...own, caCerts: [] },
        message: "comes from an unknown authority: set server.ca",
      },
    ];
    for (const { name, files, demands, message } of table) {
      await t.step(name, async () => {
        await using server = new AnsweringServer(await pairOf(files));
        const error = await assertRejects(() => ask(server, tlsDialer(demands)), ConnectionError);
        assertEquals(error.failure, "broken");
        assertStringIncludes(error.message, message);
        assertEquals(server.received, "");
      });
    }
  },
});

Deno.test({
  ...needs(CERTIFICATES, "tlsDialer() never falls back to plain TCP"),
  async fn(t) {
    await using test = await testAuthority();
    const dialer = tlsDialer({ name: "server", caCerts: [test.ca] });
    const alert = Uint8Array.of(21, 3, 1, 0, 2, 2, 70);
    const reactions: [name: string, bytes: Uint8Array, message: string][] = [
      ["a plain answer", ANSWER, "does not speak TLS"],
      ["an alert", alert, "does not speak TLS"],
      ["the end of the connection", new Uint8Array(), "the connection broke"],
    ];
    for (const [name, bytes, message] of reactions) {
      await t.step(name, async () => {
        await using server = new AnsweringServer(undefined, async (connection) => {
          if (bytes.length > 0) await connection.write(bytes);
        });
        const error = await assertRejects(() => ask(server, dialer), ConnectionError);
        assertStringIncludes(error.message, message);
        assert(!server.received.includes("Progress"), "nothing was sent in clear");
      });
    }
  },
});

Deno.test({
  ...needs(CERTIFICATES, "TCP_DIALER says that a server speaks TLS"),
  async fn() {
    await using test = await testAuthority();
    const issued = await test.authority.issue({ name: "server", hosts: ["server"] });
    await using server = new AnsweringServer(await pairOf(issued));
    const error = await assertRejects(() => ask(server, TCP_DIALER), ConnectionError);
    assertEquals(error.failure, "broken");
    assertStringIncludes(error.message, "the server speaks TLS: set server.tls: true");
  },
});
