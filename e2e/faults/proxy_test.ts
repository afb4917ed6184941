import { assertEquals, assertRejects } from "@std/assert";
import { LineConnection } from "../../testing/line_connection.ts";
import { Random } from "../../testing/random.ts";
import { PROXY_FAULTS, type ProxyFault } from "./passage.ts";
import { Proxy } from "./proxy.ts";

const REQUEST = "Hello, this is a request\n";
const ANSWER = "and this is its answer";
const DEADLINE_MS = 2000;
const BLACK_HOLE_MS = 100;

/** A server that answers each line, and keeps what it received. */
class Answerer implements AsyncDisposable {
  received = "";
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #serving = this.#serve();

  get address() {
    return { hostname: "127.0.0.1", port: this.#listener.addr.port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
  }

  async #serve(): Promise<void> {
    for await (const connection of this.#listener) await this.#converse(connection);
  }

  async #converse(connection: Deno.TcpConn): Promise<void> {
    const chunk = new Uint8Array(1024);
    try {
      for (let seen = 0;;) {
        const count = await connection.read(chunk);
        if (count === null) break;
        this.received += new TextDecoder().decode(chunk.subarray(0, count));
        const lines = this.received.split("\n").length - 1;
        for (; seen < lines; seen++) {
          await connection.write(new TextEncoder().encode(`${ANSWER}\n`));
        }
      }
    } catch {
      // The proxy cut it.
    } finally {
      connection.close();
    }
  }
}

/**
 * Asks through a proxy until an answer is missing; returns the answers and what the server
 * received.
 */
async function askThrough(fault: ProxyFault | undefined, requests: number) {
  await using server = new Answerer();
  let answers = 0;
  {
    await using proxy = new Proxy({
      random: new Random(1),
      target: () => server.address,
      fault: () => fault,
    });
    using connection = await LineConnection.open(proxy.address);
    const deadlineMs = fault === "black hole" ? BLACK_HOLE_MS : DEADLINE_MS;
    try {
      for (; answers < requests; answers++) {
        assertEquals(await connection.ask(REQUEST, deadlineMs), ANSWER);
      }
    } catch (error) {
      if (fault === undefined) throw error;
    }
    assertEquals(proxy.struck.value, fault === undefined ? 0 : 1);
  }
  return { answers, received: server.received };
}

Deno.test("Proxy forwards everything on a connection without a fault", async () => {
  const { answers, received } = await askThrough(undefined, 8);
  assertEquals({ answers, received }, { answers: 8, received: REQUEST.repeat(8) });
});

Deno.test("Proxy strikes a connection once, at the point that the fault names", async (t) => {
  // With seed 1, the fault strikes at the fourth request.
  const before = 3;
  const whole = REQUEST.repeat(before);
  const received: Record<ProxyFault, string> = {
    "cut in request": whole + REQUEST.slice(0, Math.ceil(REQUEST.length / 2)),
    "cut after request": whole + REQUEST,
    "cut before answer": whole + REQUEST,
    "cut in answer": whole + REQUEST,
    "delay": REQUEST.repeat(8),
    "single bytes": REQUEST.repeat(8),
    "black hole": whole,
  };
  for (const fault of PROXY_FAULTS) {
    await t.step(fault, async () => {
      const isSlow = fault === "delay" || fault === "single bytes";
      const outcome = await askThrough(fault, 8);
      assertEquals(outcome, { answers: isSlow ? 8 : before, received: received[fault] });
    });
  }
});

Deno.test("Proxy closes the connection when its target does not listen", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = { hostname: "127.0.0.1", port: listener.addr.port };
  listener.close();
  await using proxy = new Proxy({
    random: new Random(1),
    target: () => address,
    fault: () => undefined,
  });
  using connection = await LineConnection.open(proxy.address);
  await assertRejects(() => connection.ask(REQUEST, DEADLINE_MS));
});
