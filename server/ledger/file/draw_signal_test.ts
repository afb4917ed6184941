import { assert, assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { DrawSignal } from "./draw_signal.ts";
import { keepLog } from "../../testing/ledgers.ts";
import { openUdpPort } from "../../testing/udp_port.ts";

/** A signal on loopback that counts what it receives. */
function open({ port = 0, ip = "127.255.255.255", shared = true }) {
  const { log, lines } = keepLog();
  let heard = 0;
  let tell = () => {};
  const onSignal = () => {
    heard++;
    tell();
  };
  const signal = new DrawSignal({ ip, port, shared, log });
  signal.onSignal(onSignal);
  return {
    signal,
    lines,
    heard: () => heard,
    /** Settles when `count` signals have been received. */
    hears: (count: number) =>
      new Promise<void>((resolve) => {
        tell = () => heard >= count && resolve();
        tell();
      }),
    [Symbol.asyncDispose]: () => signal[Symbol.asyncDispose](),
  };
}

Deno.test("DrawSignal.send() reaches every socket on the port, including the sender", async () => {
  using free = openUdpPort();
  await using one = open(free);
  await using two = open(free);
  await using three = open(free);
  await one.signal.send();
  await Promise.all([one, two, three].map(({ hears }) => hears(1)));
  await two.signal.send();
  await Promise.all([one, two, three].map(({ hears }) => hears(2)));
  const [payload] = await free.socket.receive();
  assertEquals(payload, new TextEncoder().encode("bet_ended"));
  assertEquals(one.lines, [
    `action: broadcast | result: success | ip: 127.255.255.255 | port: ${free.port} | mensaje: bet_ended`,
  ]);
});

Deno.test("DrawSignal ignores datagrams with another payload", async () => {
  using free = openUdpPort();
  using stranger = openUdpPort();
  await using signal = open(free);
  const target: Deno.NetAddr = { transport: "udp", hostname: "127.255.255.255", port: free.port };
  // Datagrams on loopback keep their order: the ignored ones arrive first.
  for (const payload of ["", "bet", "bet_ended\n", "BET_ENDED", "\xff\xfe", "x".repeat(60_000)]) {
    await stranger.socket.send(new TextEncoder().encode(payload), target);
    await free.socket.receive();
  }
  assertEquals(signal.heard(), 0);
  await stranger.socket.send(new TextEncoder().encode("bet_ended"), target);
  await signal.hears(1);
  assertEquals(signal.heard(), 1);
});

Deno.test("DrawSignal pauses after each datagram, whatever its payload", async () => {
  using time = new FakeTime();
  using free = openUdpPort();
  await using signal = open(free);
  for (let count = 1; count <= 5; count++) {
    await signal.signal.send();
    await free.socket.receive();
  }
  await signal.hears(1);
  // Datagrams that arrived meanwhile wait in the socket.
  await signal.signal.send();
  await free.socket.receive();
  assertEquals(signal.heard(), 1);
  time.tick(10);
  await signal.hears(2);
  assertEquals(signal.heard(), 2);
});

Deno.test("DrawSignal on a free port reaches nobody else", async () => {
  await using one = open({ shared: false });
  await using two = open({ shared: false });
  await one.signal.send();
  await one.hears(1);
  assertEquals(two.heard(), 0);
});

Deno.test("DrawSignal.send() logs a failure and does not throw", async () => {
  // No route leads from a socket of this family to that address.
  await using signal = open({ ip: "255.255.255.256" });
  await signal.signal.send();
  assert(signal.lines[0].startsWith("action: broadcast | result: fail | ip: 255.255.255.256"));
});

Deno.test("DrawSignal throws if another program owns the port", async () => {
  const taken = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  let error: unknown;
  try {
    await using _signal = open({ port, shared: false });
  } catch (thrown) {
    error = thrown;
  }
  assert(error instanceof Error);
  assertEquals(
    error.message,
    `Cannot receive broadcasts on UDP port ${port}: Address already in use (os error 98)`,
  );
  taken.close();
});

Deno.test("DrawSignal stops receiving when it is disposed of", async () => {
  const signal = open({});
  await signal.signal[Symbol.asyncDispose]();
  assertEquals(signal.lines, ["action: close_broadcast | result: success"]);
});
