import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { needs } from "../../testing/needs.ts";
import { type HttpRequest, HttpServer, type HttpServerOptions, textAnswer } from "./http.ts";

/** A server that answers each request with the request itself. */
function start(limits: HttpServerOptions["limits"] = {}, seen: HttpRequest[] = []) {
  return new HttpServer({
    hostname: "127.0.0.1",
    port: 0,
    limits,
    answer: (request) => {
      seen.push(request);
      return textAnswer(200, `${request.method} ${request.path}\n`);
    },
  });
}

class Client implements Disposable {
  readonly #connection: Deno.TcpConn;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  static async connect({ port }: HttpServer): Promise<Client> {
    return new Client(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  async send(text: string): Promise<void> {
    let bytes = new TextEncoder().encode(text);
    while (bytes.length > 0) bytes = bytes.subarray(await this.#connection.write(bytes));
  }

  /** Reads until the server ends the connection. */
  async rest(): Promise<string> {
    let text = "";
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (;;) {
        const count = await this.#connection.read(buffer);
        if (count === null) return text;
        text += new TextDecoder().decode(buffer.subarray(0, count));
      }
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionReset) return text;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

async function ask(server: HttpServer, text: string): Promise<string> {
  using client = await Client.connect(server);
  await client.send(text);
  return await client.rest();
}

const net = (name: string) => needs(["net"], name);

Deno.test({
  ...net("HttpServer answers GET and HEAD, and says how long the answer is"),
  fn: async () => {
    const seen: HttpRequest[] = [];
    await using server = start({}, seen);
    const answer = await ask(
      server,
      "GET /a/b?query HTTP/1.1\r\nHost: x\r\nACCEPT: text/a\r\nAccept:b/c\r\n\r\n",
    );
    const [head, body] = answer.split("\r\n\r\n");
    assertEquals(head.split("\r\n"), [
      "HTTP/1.1 200 OK",
      "Content-Type: text/plain; charset=utf-8",
      "Content-Length: 9",
      "Cache-Control: no-store",
      "X-Content-Type-Options: nosniff",
      "Connection: close",
    ]);
    assertEquals(body, "GET /a/b\n");
    assertEquals(await ask(server, "HEAD /a/b HTTP/1.0\n\n"), `${head}\r\n\r\n`.replace("9", "10"));
    assertEquals(seen, [
      { method: "GET", path: "/a/b", accept: "text/a, b/c" },
      { method: "HEAD", path: "/a/b", accept: "" },
    ]);
    const response = await fetch(`http://127.0.0.1:${server.port}/fetch`);
    assertEquals([response.status, await response.text()], [200, "GET /fetch\n"]);
  },
});

Deno.test({
  ...net("HttpServer refuses invalid requests, other methods, and requests that are too long"),
  fn: async () => {
    const seen: HttpRequest[] = [];
    await using server = start({ headBytesMax: 200 }, seen);
    for (
      const text of ["StoreBet:1;a;b;c;d;e\n\n", "GET / HTTP/2.0\n\n", "GET x HTTP/1.1\n\n", "\n\n"]
    ) {
      assertStringIncludes(await ask(server, text), "HTTP/1.1 400 Bad Request\r\n");
    }
    const post = await ask(server, "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc");
    assertMatch(post, /^HTTP\/1.1 405 Method Not Allowed\r\n[^]*\r\nAllow: GET, HEAD\r\n/);
    const long = "GET / HTTP/1.1\r\nX: ";
    const longest = `${long}${"a".repeat(200 - long.length - 4)}\r\n\r\n`;
    assertStringIncludes(await ask(server, longest), "200 OK");
    assertStringIncludes(
      await ask(server, longest.replace("aa", "aaa")),
      "HTTP/1.1 431 Request Header Fields Too Large\r\n",
    );
    assertEquals(seen.length, 1);
  },
});

Deno.test({
  ...net("HttpServer takes a request byte by byte"),
  fn: async () => {
    await using server = start();
    using client = await Client.connect(server);
    for (const byte of "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n") await client.send(byte);
    assertStringIncludes(await client.rest(), "\r\n\r\nGET /slow\n");
  },
});

Deno.test({
  ...net("HttpServer ends connections whose time is up, wherever they are"),
  fn: async () => {
    const big = new Uint8Array(64 * 1024 * 1024);
    await using server = new HttpServer({
      hostname: "127.0.0.1",
      port: 0,
      limits: { deadlineMs: 50 },
      answer: () => ({ status: 200, type: "text/plain", body: big }),
    });
    using silent = await Client.connect(server);
    using half = await Client.connect(server);
    await half.send("GET / HTTP/1.1\r\nHost:");
    // It does not read its answer while the server may still write.
    using deaf = await Client.connect(server);
    await deaf.send("GET / HTTP/1.1\r\n\r\n");
    assertEquals([await silent.rest(), await half.rest()], ["", ""]);
    assert((await deaf.rest()).length < big.length);
  },
});

Deno.test({
  ...net("HttpServer ends the eldest connection when there is one too many"),
  fn: async () => {
    await using server = start({ connectionsMax: 3, deadlineMs: 60_000 });
    const clients: Client[] = [];
    for (let index = 0; index < 4; index++) clients.push(await Client.connect(server));
    assertEquals(await clients[0].rest(), "");
    for (const client of clients.slice(1)) {
      await client.send("GET / HTTP/1.1\r\n\r\n");
      assertStringIncludes(await client.rest(), "200 OK");
    }
    for (const client of clients) client[Symbol.dispose]();
  },
});

Deno.test({
  ...net("HttpServer answers no more requests in a second than it may; the others wait"),
  fn: async () => {
    const seen: HttpRequest[] = [];
    await using server = start({ requestsPerSecondMax: 5 }, seen);
    const startMs = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 11 }, () => ask(server, "GET / HTTP/1.1\r\n\r\n")),
    );
    // Five at once, five a second later, one after another second: never sooner.
    assert(performance.now() - startMs >= 1900);
    assertEquals(answers.filter((answer) => answer.includes("200 OK")).length, 11);
    assertEquals(seen.length, 11);
  },
});

Deno.test({
  ...net("HttpServer closes every connection when it is disposed of"),
  fn: async () => {
    const server = start({ deadlineMs: 60_000, requestsPerSecondMax: 2 });
    const clients: Client[] = [];
    for (let index = 0; index < 3; index++) clients.push(await Client.connect(server));
    await server[Symbol.asyncDispose]();
    for (const client of clients) {
      assertEquals(await client.rest(), "");
      client[Symbol.dispose]();
    }
  },
});
