import { assertEquals, assertRejects } from "@std/assert";
import { LineConnection } from "../../testing/line_connection.ts";
import { needs } from "../../testing/needs.ts";
import type { Address } from "../../testing/ports.ts";
import { Counter } from "./counter.ts";
import { LinkProxy } from "./link_proxy.ts";

const NET = ["net"] as const;

/** A node that answers each line with the same line, and counts them. */
class EchoNode implements AsyncDisposable {
  readonly lines: Counter = new Counter();
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #serving: Promise<void>[] = [];
  readonly #accepting = this.#accept();

  get address(): Address {
    return { hostname: "127.0.0.1", port: this.#listener.addr.port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    await Promise.all(this.#serving);
  }

  async #accept(): Promise<void> {
    try {
      for (;;) this.#serving.push(this.#serve(await this.#listener.accept()));
    } catch {
      // The listener is closed.
    }
  }

  async #serve(connection: Deno.Conn): Promise<void> {
    const bytes = new Uint8Array(1024);
    try {
      for (let count; (count = await connection.read(bytes)) !== null;) {
        for (const byte of bytes.subarray(0, count)) if (byte === 10) this.lines.add();
        await connection.write(bytes.subarray(0, count));
      }
    } catch {
      // Nobody reads the answer any more.
    }
    connection.close();
  }
}

Deno.test(needs(NET, "LinkProxy forwards both sides"), async () => {
  await using node = new EchoNode();
  await using proxy = new LinkProxy(node.address);
  using connection = await LineConnection.open(proxy.address);
  assertEquals(await connection.ask("one\n"), "one");
  assertEquals(await connection.ask("two\n"), "two");
});

Deno.test(
  needs(NET, "LinkProxy.hold() delivers late, even if the sender has hung up"),
  async () => {
    await using node = new EchoNode();
    await using proxy = new LinkProxy(node.address);
    using connection = await LineConnection.open(proxy.address);
    await connection.ask("one\n");
    proxy.hold("server");
    await connection.send("two\n");
    connection.close();
    assertEquals(await node.lines.reaches(2, 50), false);
    proxy.release();
    assertEquals(await node.lines.reaches(2), true);
  },
);

Deno.test(needs(NET, "LinkProxy.hold() delays answers"), async () => {
  await using node = new EchoNode();
  await using proxy = new LinkProxy(node.address);
  using connection = await LineConnection.open(proxy.address);
  await connection.ask("one\n");
  proxy.hold("node");
  const answer = connection.ask("two\n");
  assertEquals(await node.lines.reaches(2), true);
  proxy.release();
  assertEquals(await answer, "two");
});

Deno.test(needs(NET, "LinkProxy.lose() and cut() lose answers to what arrives"), async () => {
  await using node = new EchoNode();
  await using proxy = new LinkProxy(node.address);
  using connection = await LineConnection.open(proxy.address);
  await connection.ask("one\n");
  proxy.lose("node");
  const answer = connection.ask("two\n");
  assertEquals(await node.lines.reaches(2), true);
  proxy.cut();
  proxy.release();
  await assertRejects(() => answer, Error, "the connection ended");
  using other = await LineConnection.open(proxy.address);
  assertEquals(await other.ask("three\n"), "three");
});
