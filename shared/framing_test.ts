import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { FrameBuffer, FrameTooLongError } from "./framing.ts";
import { BetDecoder, isStoreRequest, STORE_BET_BYTES_MAX } from "./packets.ts";
import { latin1, plainFrames } from "./testing/plain_model.ts";
import { casesWanted, forAll, type Random } from "../testing/random.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

/** The result of feeding a stream to a buffer. */
interface Received {
  frames: string[];
  isTooLong: boolean;
  pending: number;
}

/** Feeds a buffer as a connection does: it reads what fits, takes all frames, and so on. */
function receive(
  frames: FrameBuffer,
  chunks: Iterable<Uint8Array>,
  frameBytesMax = Infinity,
): Received {
  const received: Received = { frames: [], isTooLong: false, pending: 0 };
  try {
    for (let chunk of chunks) {
      while (chunk.length > 0) {
        const space = frames.space();
        assert(space.length > 0);
        assert(space.buffer.byteLength <= frameBytesMax, "memory exceeds the limit");
        const count = Math.min(space.length, chunk.length);
        space.set(chunk.subarray(0, count));
        frames.filled(count);
        chunk = chunk.subarray(count);
        for (let frame; (frame = frames.take()) !== undefined;) received.frames.push(latin1(frame));
      }
    }
  } catch (error) {
    if (!(error instanceof FrameTooLongError)) throw error;
    received.isTooLong = true;
  }
  received.pending = frames.pending;
  return received;
}

function* singly(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at++) yield bytes.subarray(at, at + 1);
}

Deno.test("FrameBuffer.take() returns nothing before any byte arrives", {
  permissions: "none",
}, () => {
  const frames = new FrameBuffer(100);
  assertEquals(frames.take(), undefined);
  assertEquals(frames.pending, 0);
});

Deno.test("FrameBuffer.take() splits frames that arrive together", {
  permissions: "none",
}, () => {
  const { frames, pending } = receive(new FrameBuffer(100), [
    utf8("one\ntwo\r\n\n\r\n\r\r\nfive\nto"),
  ]);
  // Only one `\r` is dropped.
  assertEquals(frames, ["one", "two", "", "", "\r", "five"]);
  assertEquals(pending, 2);
});

Deno.test("FrameBuffer.take() joins frames whose bytes arrive one at a time", {
  permissions: "none",
}, () => {
  const stream = utf8("StoreBet:1;José;Pérez;1;1980-01-01;7\r\n\nAgencyClose:1\nWinnersReq");
  const { frames, pending } = receive(new FrameBuffer(64), singly(stream), 64);
  assertEquals(frames.length, 3);
  assertEquals(frames[0], latin1(utf8("StoreBet:1;José;Pérez;1;1980-01-01;7")));
  assertEquals(frames.slice(1), ["", "AgencyClose:1"]);
  assertEquals(pending, "WinnersReq".length);
});

Deno.test("FrameBuffer.take() returns the same frames wherever a stream is split in three", {
  permissions: "none",
}, () => {
  const stream = utf8("ab\r\n\nñ\n1234567\ncd");
  const expected = receive(new FrameBuffer(8), [stream]);
  assertEquals(expected.frames, ["ab", "", latin1(utf8("ñ")), "1234567"]);
  for (let first = 0; first <= stream.length; first++) {
    for (let second = first; second <= stream.length; second++) {
      const chunks = [stream.subarray(0, first), stream.subarray(first, second)];
      chunks.push(stream.subarray(second));
      assertEquals(receive(new FrameBuffer(8), chunks, 8), expected, `${first}, ${second}`);
    }
  }
});

Deno.test("FrameBuffer.take() keeps a `\\r` that is not just before a `\\n`", {
  permissions: "none",
}, () => {
  const { frames, pending } = receive(new FrameBuffer(100), [utf8("a\rb\n\rc\nd\r")]);
  assertEquals(frames, ["a\rb", "\rc"]);
  assertEquals(pending, 2);
});

Deno.test("FrameBuffer.take() accepts a frame as long as the limit, and none longer", {
  permissions: "none",
}, async (t) => {
  for (const limit of [1, 2, 10, 183, 4095, 4096, 4097, 8192, 65_536]) {
    const longest = utf8("x".repeat(limit - 1) + "\n");
    const tooLong = utf8("x".repeat(limit) + "\n");
    const feeds: Record<string, (bytes: Uint8Array) => Iterable<Uint8Array>> = {
      "at once": (bytes) => [bytes],
      "byte by byte": singly,
    };
    for (const [name, feed] of Object.entries(feeds)) {
      await t.step(`${limit} bytes, ${name}`, () => {
        const twice = Uint8Array.from([...longest, ...longest]);
        assertEquals(receive(new FrameBuffer(limit), feed(twice), limit), {
          frames: ["x".repeat(limit - 1), "x".repeat(limit - 1)],
          isTooLong: false,
          pending: 0,
        });
        const both = Uint8Array.from([...longest, ...tooLong]);
        const over = receive(new FrameBuffer(limit), feed(both), limit);
        assertEquals(over.frames, ["x".repeat(limit - 1)]);
        assert(over.isTooLong);
      });
    }
  }
});

Deno.test("FrameBuffer.take() throws for a line over the limit before its line end arrives", {
  permissions: "none",
}, () => {
  const frames = new FrameBuffer(10);
  assertEquals(receive(frames, [utf8("x".repeat(9))]).isTooLong, false);
  assertEquals(receive(frames, [utf8("x")]).isTooLong, true);
  // The error is final.
  assertThrows(() => frames.take(), FrameTooLongError);
});

Deno.test("FrameBuffer.take() counts the `\\r` towards the limit", { permissions: "none" }, () => {
  assertEquals(receive(new FrameBuffer(5), [utf8("abc\r\n")]).frames, ["abc"]);
  assert(receive(new FrameBuffer(5), [utf8("abcd\r\n")]).isTooLong);
});

Deno.test("FrameTooLongError has the first bytes of the line and the limit", {
  permissions: "none",
}, () => {
  for (const limit of [200, 8192]) {
    const frames = new FrameBuffer(limit);
    const space = frames.space();
    const stream = utf8(`AgencyClose:1\nStoreBatch:1;${"x".repeat(limit)}`);
    const received = receive(frames, [stream.subarray(0, 14)]);
    assertEquals(received.frames, ["AgencyClose:1"]);
    assert(receive(frames, [stream.subarray(14)]).isTooLong);
    const error = assertThrows(
      () => frames.take(),
      FrameTooLongError,
      `longer than ${limit} bytes`,
    );
    assertEquals(latin1(error.head), `StoreBatch:1;${"x".repeat(51)}`);
    assert(isStoreRequest(error.head));
    assert(space.buffer.byteLength <= limit);
  }
});

Deno.test("FrameTooLongError.head excludes earlier frames", {
  permissions: "none",
}, () => {
  const frames = new FrameBuffer(12);
  receive(frames, [utf8("0123456789\n")]);
  receive(frames, [utf8("ab")]);
  const error = assertThrows(() => {
    if (receive(frames, [utf8("cdefghijkl")]).isTooLong) frames.take();
  }, FrameTooLongError);
  assertEquals(latin1(error.head), "abcdefghijkl");
});

Deno.test("FrameBuffer.pending counts the bytes of a torn frame", {
  permissions: "none",
}, () => {
  assertEquals(receive(new FrameBuffer(100), [utf8("AgencyClose:1\nAgencyClo")]).pending, 9);
  assertEquals(receive(new FrameBuffer(100), [utf8("AgencyClose:1\n")]).pending, 0);
  assertEquals(receive(new FrameBuffer(100), [utf8("AgencyClose:1\n\r")]).pending, 1);
});

Deno.test("FrameBuffer.take() does not copy", { permissions: "none" }, () => {
  const frames = new FrameBuffer(100);
  const space = frames.space();
  space.set(utf8("one\ntwo\n"));
  frames.filled(8);
  assertStrictEquals(frames.take()?.buffer, space.buffer);
  assertStrictEquals(frames.take()?.buffer, space.buffer);
});

Deno.test("FrameBuffer starts small and grows no larger than the limit", {
  permissions: "none",
}, () => {
  const limit = 65_536;
  const frames = new FrameBuffer(limit);
  assert(frames.space().buffer.byteLength <= 4096);
  receive(frames, [utf8(`${"x".repeat(10_000)}\n`)], limit);
  const { byteLength } = frames.space().buffer;
  assert(byteLength > 10_000 && byteLength <= limit, `${byteLength}`);
});

Deno.test("FrameBuffer accepts the longest StoreBet of the protocol", {
  permissions: "none",
}, () => {
  const bet = `${"x".repeat(64)};${"ñ".repeat(32)};${"9".repeat(20)};1980-01-01;9999`;
  const packet = utf8(`StoreBet:9999;${bet}\n`);
  assertEquals(packet.length, STORE_BET_BYTES_MAX);
  const frames = new FrameBuffer(STORE_BET_BYTES_MAX);
  frames.space().set(packet);
  frames.filled(packet.length);
  const rules = { agencies: 9999, today: 20261123 };
  const batch = new BetDecoder("packet").decode("StoreBet", frames.take()!, rules);
  assertEquals(new TextDecoder().decode(batch.bytes), `${bet}:`);
});

Deno.test("FrameBuffer returns what split() returns, however the stream is cut", {
  permissions: "none",
}, () => {
  let tooLong = 0;
  const cases = casesWanted(5000);
  forAll({ cases }, (random) => {
    // A few exceed the initial capacity of the buffer; they take most of the time.
    const limit = 1 + random.below(random.once(50) ? 9000 : 24);
    const stream = wildStream(random, limit);
    const expected = plainFrames(stream, limit);
    const received = receive(new FrameBuffer(limit), wildChunks(random, stream), limit);
    const shown = `limit ${limit}, ${JSON.stringify(latin1(stream).slice(0, 300))}`;
    assertEquals(received.frames, expected.frames, shown);
    assertEquals(received.isTooLong, expected.isTooLong, shown);
    if (!expected.isTooLong) assertEquals(received.pending, expected.pending, shown);
    else tooLong++;
  });
  assert(tooLong > cases / 10 && tooLong < cases * 9 / 10, `${tooLong} of ${cases} are too long`);
});

/** Lines about as long as the limit, most of them within it. */
function wildStream(random: Random, limit: number): Uint8Array {
  const lines = Array.from({ length: random.below(8) }, () => {
    const length = random.once(3) ? limit - 1 - random.below(3) : random.below(limit);
    const tooLong = random.once(10) ? 1 + random.below(3) : 0;
    return "x".repeat(Math.max(0, length + tooLong)) +
      random.pick(["\n", "\n", "\r\n", "\n\n", "\r"]);
  });
  return utf8(lines.join(""));
}

function* wildChunks(random: Random, stream: Uint8Array): Generator<Uint8Array> {
  const countMax = random.pick([1, 3, 20, 5000, 100_000]);
  for (let at = 0; at < stream.length;) {
    const count = 1 + random.below(countMax);
    yield stream.subarray(at, at + count);
    at += count;
  }
}
