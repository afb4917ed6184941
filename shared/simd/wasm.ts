/**
 * A small assembler for WebAssembly with its vector instructions. README.md says why it exists and
 * how to read a kernel.
 *
 * A {@linkcode kernel} is one function over one memory. The classes below build its body: an
 * expression such as `at.add(1)` or `bytes.equals(COMMA).bitmask()` emits the instructions that
 * leave one value on the stack, at each place where a statement uses it. Methods spell out the
 * names of the instructions in https://webassembly.github.io/spec/core/.
 *
 * @module
 */

import { OPCODES, signed, type Type, unsigned, VOID } from "./wasm_format.ts";

/** Bytes of one vector: what a vector instruction works on at once. */
export const VECTOR_BYTES = 16;

/** A function body while it is written. */
export interface Body {
  readonly bytes: number[];
  /** The types of the locals, parameters first. */
  readonly locals: Type[];
  /** The blocks around the next instruction, the innermost last. */
  readonly blocks: Label[];
}

/** Emits instructions that leave nothing on the stack. */
export interface Statement {
  emit(body: Body): void;
}

/** Operands and nested statements, mnemonics, and the bytes of immediates. */
type Part = Statement | keyof typeof OPCODES | number;

/** Instructions in the order in which the stack machine runs them. */
export class Code implements Statement {
  readonly #parts: readonly Part[];

  constructor(...parts: Part[]) {
    this.#parts = parts;
  }

  emit(body: Body): void {
    for (const part of this.#parts) {
      if (typeof part === "object") part.emit(body);
      else if (typeof part === "number") body.bytes.push(part);
      else body.bytes.push(...OPCODES[part]);
    }
  }
}

/** The target of a branch: the end of a {@linkcode block}, or the start of a {@linkcode loop}. */
export class Label {
  /** Branches. */
  branch(): Statement {
    return new Code("br", this.#depth());
  }

  /** Branches if `condition` is not 0. */
  branchIf(condition: I32): Statement {
    return new Code(condition, "br_if", this.#depth());
  }

  /** How many blocks a branch leaves before it reaches the labeled one. */
  #depth(): Statement {
    const depth = ({ blocks }: Body) => blocks.length - 1 - blocks.lastIndexOf(this);
    return { emit: (body) => body.bytes.push(...unsigned(depth(body))) };
  }
}

/**
 * A 32-bit integer, or an address. Comparisons are unsigned and give 1 or 0. Loads and stores are
 * little-endian.
 */
export class I32 extends Code {
  add(other: I32 | number): I32 {
    return new I32(this, toI32(other), "i32.add");
  }
  subtract(other: I32 | number): I32 {
    return new I32(this, toI32(other), "i32.sub");
  }
  multiply(other: I32 | number): I32 {
    return new I32(this, toI32(other), "i32.mul");
  }
  and(other: I32 | number): I32 {
    return new I32(this, toI32(other), "i32.and");
  }
  or(other: I32 | number): I32 {
    return new I32(this, toI32(other), "i32.or");
  }
  xor(other: I32 | number): I32 {
    return new I32(this, toI32(other), "i32.xor");
  }
  shiftLeft(bits: I32 | number): I32 {
    return new I32(this, toI32(bits), "i32.shl");
  }
  /** Shifts right and fills with zeros. */
  shiftRight(bits: I32 | number): I32 {
    return new I32(this, toI32(bits), "i32.shr_u");
  }
  equals(other: I32 | number): I32 {
    return new I32(this, toI32(other), "i32.eq");
  }
  notEquals(other: I32 | number): I32 {
    return new I32(this, toI32(other), "i32.ne");
  }
  lessThan(other: I32 | number): I32 {
    return new I32(this, toI32(other), "i32.lt_u");
  }
  greaterThan(other: I32 | number): I32 {
    return new I32(this, toI32(other), "i32.gt_u");
  }
  /** 1 for 0, else 0: the negation of a condition too. */
  isZero(): I32 {
    return new I32(this, "i32.eqz");
  }
  /** Counts the zeros below the lowest bit that is set; 32 if none is. */
  trailingZeros(): I32 {
    return new I32(this, "i32.ctz");
  }
  /** Counts the zeros above the highest bit that is set; 32 if none is. */
  leadingZeros(): I32 {
    return new I32(this, "i32.clz");
  }
  /** Counts the bits that are 1. */
  oneBits(): I32 {
    return new I32(this, "i32.popcnt");
  }

  /** The byte at this address. */
  load8(offset = 0): I32 {
    return new I32(this, "i32.load8_u", ...memoryArgument(offset));
  }
  load16(offset = 0): I32 {
    return new I32(this, "i32.load16_u", ...memoryArgument(offset));
  }
  load32(offset = 0): I32 {
    return new I32(this, "i32.load", ...memoryArgument(offset));
  }
  load64(offset = 0): I64 {
    return new I64(this, "i64.load", ...memoryArgument(offset));
  }
  loadVector(offset = 0): V128 {
    return new V128(this, "v128.load", ...memoryArgument(offset));
  }
  loadF64(offset = 0): F64 {
    return new F64(this, "f64.load", ...memoryArgument(offset));
  }

  /** Stores the lowest byte of `value` at this address. */
  store8(value: I32 | number, offset = 0): Statement {
    return new Code(this, toI32(value), "i32.store8", ...memoryArgument(offset));
  }
  store32(value: I32 | number, offset = 0): Statement {
    return new Code(this, toI32(value), "i32.store", ...memoryArgument(offset));
  }
  storeVector(value: V128, offset = 0): Statement {
    return new Code(this, value, "v128.store", ...memoryArgument(offset));
  }
  storeF64(value: F64, offset = 0): Statement {
    return new Code(this, value, "f64.store", ...memoryArgument(offset));
  }
}

/** A 64-bit integer: eight bytes to compare at once, or the bitmasks of four vectors. */
export class I64 extends Code {
  /** Extends `value` with zeros, then shifts it left. */
  static extend(value: I32, shiftBits = 0): I64 {
    const extended = new I64(value, "i64.extend_i32_u");
    return shiftBits === 0
      ? extended
      : new I64(extended, "i64.const", ...signed(shiftBits), "i64.shl");
  }

  and(other: I64): I64 {
    return new I64(this, other, "i64.and");
  }
  or(other: I64): I64 {
    return new I64(this, other, "i64.or");
  }
  /** Shifts all bits to the left by one. */
  doubled(): I64 {
    return new I64(this, this, "i64.add");
  }
  /** A bit for each bit below the lowest that is set; all bits if none is. */
  belowLowestBit(): I64 {
    const ones = new I64("i64.const", ...signed(-1));
    return new I64(this, ones, "i64.add", this, ones, "i64.xor", "i64.and");
  }
  equals(other: I64): I32 {
    return new I32(this, other, "i64.eq");
  }
  isZero(): I32 {
    return new I32(this, "i64.eqz");
  }
  /** Counts the zeros below the lowest bit that is set; 64 if none is. */
  trailingZeros(): I32 {
    return new I32(this, "i64.ctz", "i32.wrap_i64");
  }
  /** Counts the zeros above the highest bit that is set; 64 if none is. */
  leadingZeros(): I32 {
    return new I32(this, "i64.clz", "i32.wrap_i64");
  }
  /** Counts the bits that are 1. */
  oneBits(): I32 {
    return new I32(this, "i64.popcnt", "i32.wrap_i64");
  }
  /** Keeps the highest `count` bits, 1 to 64, and clears the others. */
  highBits(count: I32): I64 {
    const kept = I64.extend(constant(64).subtract(count));
    return new I64(this, "i64.const", ...signed(-1), kept, "i64.shl", "i64.and");
  }
  /** Keeps the lowest `count` bits, 0 to 63, and clears the others. */
  lowBits(count: I32): I64 {
    const ones = new I64("i64.const", ...signed(-1));
    const cleared = new I64(ones, I64.extend(count), "i64.shl");
    return new I64(this, cleared, ones, "i64.xor", "i64.and");
  }
}

/** A floating-point number: a count that may grow beyond 32 bits. */
export class F64 extends Code {
  add(other: I32): F64 {
    return new F64(this, other, "f64.convert_i32_u", "f64.add");
  }
}

/**
 * Sixteen bytes, the lanes of an i8x16. A comparison sets all bits of each lane for which it holds.
 */
export class V128 extends Code {
  /** Repeats one byte in every lane. */
  static splat(byte: number): V128 {
    return new V128("v128.const", ...new Array(VECTOR_BYTES).fill(byte & 0xff));
  }

  equals(bytes: V128 | number): V128 {
    return new V128(this, toV128(bytes), "i8x16.eq");
  }
  /**
   * Compares signed bytes: those from 0x80 on are negative, so they are less than any ASCII byte.
   */
  lessThanSigned(bytes: V128 | number): V128 {
    return new V128(this, toV128(bytes), "i8x16.lt_s");
  }
  /** Compares unsigned bytes. x86 has no instruction for an unsigned "less than". */
  lessOrEqual(bytes: V128 | number): V128 {
    return new V128(this, toV128(bytes), "i8x16.le_u");
  }
  subtract(bytes: V128 | number): V128 {
    return new V128(this, toV128(bytes), "i8x16.sub");
  }
  and(bytes: V128 | number): V128 {
    return new V128(this, toV128(bytes), "v128.and");
  }
  or(other: V128): V128 {
    return new V128(this, other, "v128.or");
  }
  /** Gathers the highest bit of lane N into bit N. */
  bitmask(): I32 {
    return new I32(this, "i8x16.bitmask");
  }
}

/** A local variable, or a parameter, that holds an integer. */
export class I32Local extends I32 {
  readonly #index: number;

  constructor(index: number) {
    super("local.get", ...unsigned(index));
    this.#index = index;
  }

  set(value: I32 | number): Statement {
    return setLocal(this.#index, toI32(value));
  }

  increment(by: I32 | number): Statement {
    return this.set(this.add(by));
  }
}

/** A local variable that holds a 64-bit integer. */
export class I64Local extends I64 {
  readonly #index: number;

  constructor(index: number) {
    super("local.get", ...unsigned(index));
    this.#index = index;
  }

  set(value: I64): Statement {
    return setLocal(this.#index, value);
  }

  /** Clears the lowest bit that is set. */
  clearLowestBit(): Statement {
    return this.set(new I64(this, this, "i64.const", ...signed(1), "i64.sub", "i64.and"));
  }
}

/** A local variable that holds a vector. */
export class V128Local extends V128 {
  readonly #index: number;

  constructor(index: number) {
    super("local.get", ...unsigned(index));
    this.#index = index;
  }

  set(value: V128): Statement {
    return setLocal(this.#index, value);
  }
}

/** An integer, or an address, that is known when the kernel is assembled. */
export function constant(value: number): I32 {
  return new I32("i32.const", ...signed(value));
}

/**
 * The number that four decimal digits write: bytes of 0 to 9, the first digit in the lowest byte.
 */
export function fourDigits(digits: I32): I32 {
  const pairs = digits.multiply(10).add(digits.shiftRight(8)).and(0x00ff00ff);
  return pairs.multiply(100).add(pairs.shiftRight(16)).and(0xffff);
}

/**
 * The number that two decimal digits write: bytes of 0 to 9, the first digit in the lowest byte.
 */
export function twoDigits(digits: I32): I32 {
  return digits.multiply(10).add(digits.shiftRight(8)).and(0xff);
}

/** A block: branching to its label leaves it. */
export function block(write: (label: Label) => readonly Statement[]): Statement {
  return nested("block", write);
}

/** A loop: branching to its label starts it again. Without such a branch it runs once. */
export function loop(write: (label: Label) => readonly Statement[]): Statement {
  return nested("loop", write);
}

/** Runs `statements` if `condition` is not 0: the instruction `if`. */
export function when(condition: I32, statements: readonly Statement[]): Statement {
  return new Code(condition, nested("if", () => statements));
}

/** Returns from the function: the instruction `return`. */
export function returnValue(value: I32 | number): Statement {
  return new Code(toI32(value), "return");
}

function nested(
  instruction: "block" | "loop" | "if",
  write: (label: Label) => readonly Statement[],
): Statement {
  return {
    emit: (body) => {
      const label = new Label();
      new Code(instruction, VOID).emit(body);
      body.blocks.push(label);
      new Code(...write(label), "end").emit(body);
      body.blocks.pop();
    },
  };
}

function setLocal(index: number, value: Statement): Statement {
  return new Code(value, "local.set", ...unsigned(index));
}

/** A number stands for sixteen bytes of that value. */
function toV128(bytes: V128 | number): V128 {
  return typeof bytes === "number" ? V128.splat(bytes) : bytes;
}

function toI32(value: I32 | number): I32 {
  return typeof value === "number" ? constant(value) : value;
}

/**
 * The immediates of a load or a store: no promise about alignment, and the offset from the address.
 */
function memoryArgument(offset: number): number[] {
  return [0, ...unsigned(offset)];
}
