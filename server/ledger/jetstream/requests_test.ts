import { assertEquals, assertRejects } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { errors, headers, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { Line, Requests } from "./requests.ts";

const TIMEOUT_MS = 2000;

/** A connection whose requests are answered when a test says so. */
class FakeConnection {
  /** The subjects on which the answers are expected, in the order of the requests. */
  readonly replies: string[] = [];
  #receive: (error: null, message: Msg) => void = () => {};

  subscribe(_: string, { callback }: { callback: (error: null, message: Msg) => void }): void {
    this.#receive = callback;
  }

  publish(_subject: string, _body: Uint8Array, { reply }: { reply: string }): void {
    this.replies.push(reply);
  }

  /** Answers a request, counted from 0. */
  answer(index: number): void {
    const message = { subject: this.replies[index], data: new Uint8Array(1) };
    this.#receive(null, message as Msg);
  }
}

/** Returns a connection, and requests on it. */
function setUp() {
  const connection = new FakeConnection();
  const requests = new Requests(connection as unknown as NatsConnection, Date.now);
  const send = (line: Line) => {
    const message = { subject: "bets", headers: headers(), body: new Uint8Array() };
    return requests.send({ ...message, timeoutMs: TIMEOUT_MS, line });
  };
  return { connection, send };
}

Deno.test("Requests.send() waits on while earlier requests of its line are answered, and no longer", async () => {
  using time = new FakeTime();
  const { connection, send } = setUp();
  const line = new Line();
  const [first, second, third] = [send(line), send(line), send(line)];
  const late = assertRejects(() => third, errors.TimeoutError);
  await time.tickAsync(1500);
  connection.answer(0);
  await first;
  await time.tickAsync(1500);
  connection.answer(1);
  assertEquals((await second).subject, connection.replies[1], "after 3 seconds");
  await time.tickAsync(TIMEOUT_MS);
  await late;
});

Deno.test("Requests.send() gives up a request whose successor was answered, and does not wait for other lines", async () => {
  using time = new FakeTime();
  const { connection, send } = setUp();
  const [line, other] = [new Line(), new Line()];
  const [overtaken, lonely] = [send(line), send(other)];
  const late = [overtaken, lonely].map((one) => assertRejects(() => one, errors.TimeoutError));
  const successor = send(line);
  await time.tickAsync(TIMEOUT_MS - 1);
  connection.answer(2);
  await successor;
  await time.tickAsync(1);
  await Promise.all(late);
});

Deno.test("Requests.send() leaves no timer once it is answered", async () => {
  const { connection, send } = setUp();
  const answered = send(new Line());
  connection.answer(0);
  // The test itself fails if a timer is left.
  await answered;
});
