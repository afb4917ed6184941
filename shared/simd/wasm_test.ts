import { assertEquals } from "@std/assert";
import { kernel } from "./kernel.ts";
import { block, constant, type I32, I64, loop, returnValue, V128, when } from "./wasm.ts";

/** Evaluates an expression over two integers. */
function value(write: (one: I32, two: I32) => I32, one = 0, two = 0): number {
  const { run } = kernel(2, ([first, second]) => [returnValue(write(first, second))])(16);
  return run(one, two);
}

Deno.test("kernel() computes with integers as JavaScript does", { permissions: "none" }, () => {
  for (const one of [0, 1, 63, 64, 127, 128, 8191, 8192, 2 ** 31 - 1, -1, -64, -65, -(2 ** 31)]) {
    assertEquals(value(() => constant(one)), one);
    for (const two of [0, 1, 9, -1, 300_000, -(2 ** 31)]) {
      assertEquals(value((a, b) => a.add(b), one, two), one + two | 0);
      assertEquals(value((a, b) => a.subtract(b), one, two), one - two | 0);
      assertEquals(value((a, b) => a.multiply(b), one, two), Math.imul(one, two));
      assertEquals(value((a, b) => a.and(b), one, two), one & two);
      assertEquals(value((a, b) => a.or(b), one, two), one | two);
      assertEquals(value((a, b) => a.xor(b), one, two), one ^ two);
      assertEquals(value((a, b) => a.equals(b), one, two), Number(one === two));
      assertEquals(value((a, b) => a.notEquals(b), one, two), Number(one !== two));
      assertEquals(value((a, b) => a.lessThan(b), one, two), Number(one >>> 0 < two >>> 0));
      assertEquals(value((a, b) => a.greaterThan(b), one, two), Number(one >>> 0 > two >>> 0));
    }
    assertEquals(value((a) => a.isZero(), one), Number(one === 0));
    assertEquals(value((a) => a.shiftRight(3), one), one >>> 3 | 0);
    assertEquals(value((a) => a.leadingZeros(), one), Math.clz32(one));
    assertEquals(
      value((a) => a.trailingZeros(), one),
      one === 0 ? 32 : 31 - Math.clz32(one & -one),
    );
  }
});

Deno.test("kernel() loads and stores at addresses beyond one page", {
  permissions: "none",
}, () => {
  const far = 200_000;
  const make = kernel(1, ([at]) => [
    at.store8(at.load8(far).add(1)),
    at.store32(at.load32(far), 4),
    at.storeVector(at.loadVector(far), 16),
    at.storeF64(at.loadF64(far + 16).add(constant(-1)), 32),
    returnValue(at.load16(far)),
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
});

Deno.test("kernel() computes with 64-bit integers", {
  permissions: "none",
}, () => {
  const lowest = (bits: number) => {
    const { memory, run } = kernel(1, ([bits]) => {
      const both = [constant(0).load64(), constant(8).load64()];
      return [returnValue(both[0].lowBits(bits).equals(both[1].lowBits(bits)))];
    })(16);
    memory.set([1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 7, 8]);
    return run(bits);
  };
  assertEquals([0, 8, 40, 41, 42, 48, 63].map(lowest), [1, 1, 1, 0, 0, 0, 0]);
  const computed = kernel(2, ([low, high], locals) => {
    const [one, two] = [locals.i64(), locals.i64()];
    return [
      one.set(constant(0).load64()),
      two.set(constant(8).load64()),
      when(low.equals(0), [returnValue(one.doubled().equals(two))]),
      when(low.equals(1), [returnValue(one.belowLowestBit().equals(two))]),
      returnValue(one.and(two).equals(I64.extend(high, 32))),
    ];
  })(16);
  const compute = (operation: number, one: bigint, two: bigint, high = 0) => {
    const view = new DataView(computed.memory.buffer);
    view.setBigUint64(0, one, true);
    view.setBigUint64(8, two, true);
    return computed.run(operation, high);
  };
  const all = 2n ** 64n - 1n;
  assertEquals(compute(0, 2n ** 63n + 5n, 10n), 1);
  assertEquals(
    [0n, 1n, 6n, 2n ** 63n].map((one, at) => compute(1, one, [all, 0n, 1n, 2n ** 63n - 1n][at])),
    [1, 1, 1, 1],
  );
  assertEquals(compute(2, 2n ** 40n + 3n, 2n ** 40n + 4n, 2 ** 8), 1);
  const { run } = kernel(2, ([low, high], locals) => {
    const bits = locals.i64();
    return [
      bits.set(I64.extend(low).or(I64.extend(high, 32))),
      when(bits.isZero(), [returnValue(-1)]),
      bits.clearLowestBit(),
      returnValue(bits.trailingZeros()),
    ];
  })(1);
  assertEquals([[0, 0], [1, 0], [3, 0], [-8, 1], [4, 4], [0, 6]].map(([a, b]) => run(a, b)), [
    ...[-1, 64, 1, 4, 34, 34],
  ]);
  const counted = kernel(2, ([operation, bits]) => {
    const value = constant(0).load64();
    return [
      when(operation.equals(0), [returnValue(value.leadingZeros())]),
      when(operation.equals(1), [returnValue(value.oneBits())]),
      returnValue(value.highBits(bits).equals(constant(8).load64())),
    ];
  })(16);
  const count = (operation: number, value: bigint, bits = 0, expected = 0n) => {
    const view = new DataView(counted.memory.buffer);
    view.setBigUint64(0, value, true);
    view.setBigUint64(8, expected, true);
    return counted.run(operation, bits);
  };
  assertEquals([0n, 1n, 2n ** 40n, all].map((value) => count(0, value)), [64, 63, 23, 0]);
  assertEquals([0n, 1n, 2n ** 40n + 2n, all].map((value) => count(1, value)), [0, 1, 2, 64]);
  assertEquals(
    [[64, all], [63, all - 1n], [1, 2n ** 63n], [2, 2n ** 63n]].map(([bits, expected]) =>
      count(2, all, Number(bits), BigInt(expected))
    ),
    [1, 1, 1, 0],
  );
});

Deno.test("kernel() compares all sixteen lanes of a vector", { permissions: "none" }, () => {
  const mask = (write: (bytes: V128) => V128) => {
    const make = kernel(1, ([at]) => [returnValue(write(at.loadVector()).bitmask())]);
    const { memory, run } = make(64);
    memory.set([0, 1, 9, 10, 31, 32, 58, 59, 126, 127, 128, 200, 255, 44, 34, 48]);
    return Array.from({ length: 16 }, (_, at) => run(0) >> at & 1).join("");
  };
  assertEquals(mask((bytes) => bytes.equals(127)), "0000000001000000");
  assertEquals(mask((bytes) => bytes.lessOrEqual(31)), "1111100000000000");
  assertEquals(mask((bytes) => bytes.lessThanSigned(32)), "1111100000111000");
  assertEquals(mask((bytes) => bytes.and(0xfe).equals(58)), "0000001100000000");
  assertEquals(mask((bytes) => bytes.subtract(48).lessOrEqual(9)), "0000000000000001");
  assertEquals(mask((bytes) => bytes.equals(44).or(bytes.equals(34))), "0000000000000110");
  assertEquals(mask(() => V128.splat(255)), "1111111111111111");
});

Deno.test("kernel() branches to the end of a block and the start of a loop", {
  permissions: "none",
}, () => {
  // The sum of the odd integers below a limit, capped at 1000.
  const { run } = kernel(1, ([limit], locals) => {
    const [at, sum] = [locals.i32(), locals.i32()];
    return [
      block((done) => [
        loop((next) => [
          done.branchIf(at.equals(limit)),
          when(sum.greaterThan(1000), [returnValue(1000)]),
          when(at.and(1), [sum.increment(at)]),
          at.increment(1),
          next.branch(),
        ]),
      ]),
      returnValue(sum),
    ];
  })(1);
  assertEquals([0, 1, 2, 7, 10, 5000].map((limit) => run(limit)), [0, 0, 1, 9, 25, 1000]);
});

Deno.test("kernel() gives each instance a memory of its own", {
  permissions: "none",
}, () => {
  const make = kernel(1, ([step], locals) => {
    const bytes = locals.v128();
    return [
      bytes.set(step.subtract(step).loadVector()),
      step.subtract(step).store8(step.subtract(step).load8().add(step)),
      constant(16).storeVector(bytes),
      returnValue(constant(0).load8()),
    ];
  });
  const [one, two] = [make(100), make(100)];
  assertEquals([one.run(1), one.run(2), two.run(5)], [1, 3, 5]);
  assertEquals(one.memory[16], 1);
});
