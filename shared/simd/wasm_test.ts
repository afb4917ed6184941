import { assertEquals } from "@std/assert";
import { block, Chunk, constant, type I32, I64, kernel, loop, result, when } from "./wasm.ts";

/** The value of an expression over two integers. */
function value(write: (one: I32, two: I32) => I32, one = 0, two = 0): number {
  const { run } = kernel(2, ([first, second]) => [result(write(first, second))])(16);
  return run(one, two);
}

Deno.test("kernel() computes with integers as JavaScript does", { permissions: "none" }, () => {
  for (const one of [0, 1, 63, 64, 127, 128, 8191, 8192, 2 ** 31 - 1, -1, -64, -65, -(2 ** 31)]) {
    assertEquals(value(() => constant(one)), one);
    for (const two of [0, 1, 9, -1, 300_000, -(2 ** 31)]) {
      assertEquals(value((a, b) => a.plus(b), one, two), one + two | 0);
      assertEquals(value((a, b) => a.minus(b), one, two), one - two | 0);
      assertEquals(value((a, b) => a.times(b), one, two), Math.imul(one, two));
      assertEquals(value((a, b) => a.and(b), one, two), one & two);
      assertEquals(value((a, b) => a.or(b), one, two), one | two);
      assertEquals(value((a, b) => a.xor(b), one, two), one ^ two);
      assertEquals(value((a, b) => a.equals(b), one, two), Number(one === two));
      assertEquals(value((a, b) => a.differs(b), one, two), Number(one !== two));
      assertEquals(value((a, b) => a.isLess(b), one, two), Number(one >>> 0 < two >>> 0));
      assertEquals(value((a, b) => a.isMore(b), one, two), Number(one >>> 0 > two >>> 0));
    }
    assertEquals(value((a) => a.isZero(), one), Number(one === 0));
    assertEquals(value((a) => a.shiftRight(3), one), one >>> 3 | 0);
    assertEquals(
      value((a) => a.trailingZeros(), one),
      one === 0 ? 32 : 31 - Math.clz32(one & -one),
    );
  }
});

Deno.test(
  "kernel() reads and writes its memory, far addresses too",
  { permissions: "none" },
  () => {
    const far = 200_000;
    const make = kernel(1, ([at]) => [
      at.putByte(at.byte(far).plus(1)),
      at.putFourBytes(at.fourBytes(far), 4),
      at.plus(16).putChunk(at.chunk(far)),
      at.putFloat(at.float(far + 16).plus(constant(-1)), 32),
      result(at.twoBytes(far)),
    ]);
    const { memory, run } = make(far + 1000);
    const bytes = Uint8Array.from({ length: 16 }, (_, at) => 200 + at);
    memory.set(bytes, far + 8);
    new DataView(memory.buffer).setFloat64(far + 24, 2 ** 40, true);
    assertEquals(run(8), 200 + 256 * 201);
    assertEquals([...memory.subarray(8, 16)], [201, 0, 0, 0, 200, 201, 202, 203]);
    assertEquals(memory.slice(24, 40), bytes);
    assertEquals(new DataView(memory.buffer).getFloat64(40, true), 2 ** 40 + 2 ** 32 - 1);
    assertEquals(memory.length % 65_536, 0);
  },
);

Deno.test("kernel() compares and counts up to 64 bits", { permissions: "none" }, () => {
  const lowest = (bits: number) => {
    const { memory, run } = kernel(1, ([bits]) => {
      const both = [constant(0).eightBytes(), constant(8).eightBytes()];
      return [result(both[0].lowest(bits).equals(both[1].lowest(bits)))];
    })(16);
    memory.set([1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 7, 8]);
    return run(bits);
  };
  assertEquals([0, 8, 40, 41, 42, 48, 63].map(lowest), [1, 1, 1, 0, 0, 0, 0]);
  const { run } = kernel(2, ([low, high], variables) => {
    const bits = variables.i64();
    return [
      bits.set(I64.of(low).or(I64.of(high, 32))),
      when(bits.isZero(), [result(-1)]),
      bits.dropLowest(),
      result(bits.trailingZeros()),
    ];
  })(1);
  assertEquals([[0, 0], [1, 0], [3, 0], [-8, 1], [4, 4], [0, 6]].map(([a, b]) => run(a, b)), [
    ...[-1, 64, 1, 4, 34, 34],
  ]);
});

Deno.test("kernel() compares sixteen bytes at once", { permissions: "none" }, () => {
  const mask = (write: (chunk: Chunk) => Chunk) => {
    const { memory, run } = kernel(1, ([at]) => [result(write(at.chunk()).bitmask())])(64);
    memory.set([0, 1, 9, 10, 31, 32, 58, 59, 126, 127, 128, 200, 255, 44, 34, 48]);
    return Array.from({ length: 16 }, (_, at) => run(0) >> at & 1).join("");
  };
  assertEquals(mask((chunk) => chunk.equals(127)), "0000000001000000");
  assertEquals(mask((chunk) => chunk.isAtMost(31)), "1111100000000000");
  assertEquals(mask((chunk) => chunk.isLessSigned(32)), "1111100000111000");
  assertEquals(mask((chunk) => chunk.and(0xfe).equals(58)), "0000001100000000");
  assertEquals(mask((chunk) => chunk.minus(48).isAtMost(9)), "0000000000000001");
  assertEquals(mask((chunk) => chunk.equals(44).or(chunk.equals(34))), "0000000000000110");
  assertEquals(mask(() => Chunk.of(255)), "1111111111111111");
});

Deno.test("kernel() jumps out of blocks and back to the beginning of loops", {
  permissions: "none",
}, () => {
  // The sum of the odd integers below a limit, 1000 at the most.
  const { run } = kernel(1, ([limit], variables) => {
    const [at, sum] = [variables.i32(), variables.i32()];
    return [
      block((isOver) => [
        loop((next) => [
          isOver.jumpIf(at.equals(limit)),
          when(sum.isMore(1000), [result(1000)]),
          when(at.and(1), [sum.add(at)]),
          at.add(1),
          next.jump(),
        ]),
      ]),
      result(sum),
    ];
  })(1);
  assertEquals([0, 1, 2, 7, 10, 5000].map((limit) => run(limit)), [0, 0, 1, 9, 25, 1000]);
});

Deno.test("kernel() gives each kernel a memory and variables of its own", {
  permissions: "none",
}, () => {
  const make = kernel(1, ([step], variables) => {
    const chunk = variables.chunk();
    return [
      chunk.set(step.minus(step).chunk()),
      step.minus(step).putByte(step.minus(step).byte().plus(step)),
      constant(16).putChunk(chunk),
      result(constant(0).byte()),
    ];
  });
  const [one, two] = [make(100), make(100)];
  assertEquals([one.run(1), one.run(2), two.run(5)], [1, 3, 5]);
  assertEquals(one.memory[16], 1);
});
