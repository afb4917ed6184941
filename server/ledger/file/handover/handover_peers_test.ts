/**
 * Peers that are not what they should be, at either end of the handover.
 *
 * @module
 */

import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { append, HandingVolume } from "../../../testing/handing_volume.ts";
import { namedBatch } from "../../../testing/ledgers.ts";
import { turnEnd } from "../../courtesy.ts";
import { WRITER_FILE } from "../volume_files.ts";
import { Channel, type HandoverConnection } from "./channel.ts";
import { type Frame, writeBatch } from "./frames.ts";

const TICK_MS = 500;
/** How long a writer may be silent, and the longest time until that is noticed. */
const SILENT_MS = { min: 2500, max: 3500 };
const GARBAGE = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: writer\r\n\r\n");

async function pass(time: FakeTime, timeMs: number): Promise<void> {
  for (let passed = 0; passed < timeMs; passed += TICK_MS) {
    await time.tickAsync(TICK_MS);
    await turnEnd();
  }
}

function sendGarbage(channel: Channel): void {
  channel.out.write(GARBAGE);
  channel.flush();
}

/** Holds the place of the writer, and speaks as it likes. */
function occupyPlace(volume: HandingVolume, speak: (connection: HandoverConnection) => void): void {
  volume.disk.process().open(WRITER_FILE).tryLock();
  const listener = volume.handover.network().listen();
  void (async () => {
    for await (const connection of listener) speak(connection);
  })();
}

/** Greets as its peer does. What else comes is kept. */
function greetingBack(kept: Frame[] = [], channels: Channel[] = []) {
  return (connection: HandoverConnection) => {
    const channel = new Channel(connection);
    channels.push(channel);
    void channel.receive((frames) => {
      for (const frame of frames) {
        if (frame.type === "hello") channel.send(frame);
        else kept.push(frame);
      }
    });
  };
}

Deno.test("Handover: a silent writer is given up, and what it was handed is unknown", async () => {
  using time = new FakeTime();
  await using volume = new HandingVolume();
  const frames: Frame[] = [];
  occupyPlace(volume, greetingBack(frames));
  const server = await volume.open();
  let status: string | undefined;
  const pending = append(server, "a").then((result) => status = result.status);
  await pass(time, SILENT_MS.min);
  assertEquals(frames.map(({ type }) => type), ["batch"]);
  assertEquals(status, undefined);
  await pass(time, SILENT_MS.max - SILENT_MS.min);
  assertEquals(await pending, "unknown");
  assertEquals(server.ledger.figures.unknown, 1);
  assertEquals(volume.stored(), []);
});

Deno.test("Handover: a writer that says that it is alive is waited for", async () => {
  using time = new FakeTime();
  await using volume = new HandingVolume();
  const frames: Frame[] = [];
  const channels: Channel[] = [];
  occupyPlace(volume, greetingBack(frames, channels));
  const server = await volume.open();
  const pending = append(server, "a");
  for (let tick = 0; tick < 20; tick++) {
    channels[0].send({ type: "alive" });
    await pass(time, TICK_MS);
  }
  channels[0].send({ type: "stored", id: frames[0].id });
  assertEquals(await pending, { status: "stored" });
});

Deno.test("Handover: an idle link stays", async () => {
  using time = new FakeTime();
  await using volume = new HandingVolume();
  const [writer, server] = [await volume.open(), await volume.open()];
  const { wires } = volume.handover;
  await pass(time, 10 * SILENT_MS.max);
  await append(server, "a");
  assertEquals([writer, server].map(({ ledger }) => ledger.figures.rounds), [1, 0]);
  assertEquals(wires.length, 1);
  assert(volume.handover.wires[0] === wires[0]);
});

Deno.test("Handover: a busy writer tells those that wait that it is alive", async () => {
  using time = new FakeTime();
  await using volume = new HandingVolume();
  const writer = await volume.open();
  const server = await volume.open();
  const betsFile = volume.disk.process().open("bets.csv");
  betsFile.tryLock();
  const results = [append(writer, "a"), append(server, "b")];
  for (let tick = 0; tick < 20; tick++) {
    // Batches of its own keep it from making room.
    results.push(append(writer, `c${tick}`));
    await pass(time, TICK_MS);
  }
  betsFile.unlock();
  const statuses = (await Promise.all(results)).map(({ status }) => status);
  assertEquals(new Set(statuses), new Set(["stored"]));
  assertEquals(server.ledger.figures.rounds, 0);
});

const STRANGE_WRITERS: Record<string, (connection: HandoverConnection) => void> = {
  "sends garbage": (connection) => sendGarbage(new Channel(connection)),
  "greets otherwise": (connection) => new Channel(connection).send({ type: "hello", text: "hi" }),
  "never greets": () => {},
  "hangs up": (connection) => connection.close(),
};

for (const [what, speak] of Object.entries(STRANGE_WRITERS)) {
  Deno.test(`Handover: a server stores its batches itself if the writer ${what}`, async () => {
    using time = new FakeTime();
    await using volume = new HandingVolume();
    let connections = 0;
    occupyPlace(volume, (connection) => {
      connections++;
      speak(connection);
    });
    const server = await volume.open();
    assertEquals(await append(server, "a"), { status: "stored" });
    await pass(time, SILENT_MS.max);
    assertEquals(await append(server, "b"), { status: "stored" });
    assertEquals(server.ledger.figures.rounds, 2);
    // It gives each connection up, and tries again.
    assertGreaterOrEqual(connections, 3);
    assert(volume.handover.wires.length <= 1);
  });
}

Deno.test("Handover: garbage amid frames ends the link, and what was handed over is unknown", async () => {
  using _time = new FakeTime();
  await using volume = new HandingVolume();
  occupyPlace(volume, (connection) => {
    const channel = new Channel(connection);
    void channel.receive((frames) => {
      for (const frame of frames) {
        if (frame.type === "hello") channel.send(frame);
        else sendGarbage(channel);
      }
    });
  });
  const server = await volume.open();
  assertEquals((await append(server, "a")).status, "unknown");
  assertEquals(volume.stored(), []);
});

Deno.test("WriterPort ends connections that do not begin with its greeting, and serves the others", async () => {
  using _time = new FakeTime();
  await using volume = new HandingVolume();
  const [writer, server] = [await volume.open(), await volume.open()];
  const network = volume.handover.network();
  const batch = namedBatch("stranger", { count: 1 });
  const strangers: ((channel: Channel) => void)[] = [
    sendGarbage,
    ({ out }) => writeBatch(out, 1, batch),
    (channel) => {
      channel.send({ type: "hello", text: "handover 0 another lottery" });
      writeBatch(channel.out, 1, batch);
    },
  ];
  for (const speak of strangers) {
    const channel = new Channel(await network.connect());
    const frames: Frame[] = [];
    const ended = channel.receive((received) => void frames.push(...received));
    speak(channel);
    channel.flush();
    await ended;
    assert(frames.every(({ type }) => type === "hello"));
  }
  assertEquals(await append(server, "a"), { status: "stored" });
  assertEquals(volume.stored(), ["a"]);
  assertEquals(writer.ledger.figures.rounds, 1);
});
