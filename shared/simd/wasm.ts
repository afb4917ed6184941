/**
 * A small assembler for WebAssembly, so that the few loops that everything waits for can use the
 * processor's vector instructions, and still be read beside the rest of the code.
 *
 * A {@linkcode kernel} is one function over one memory. Its body is written with the classes below: a
 * value is an expression, `at.plus(1)` or `chunk.equals(COMMA).bitmask()`, and nothing happens before a
 * statement uses it. Names follow https://webassembly.github.io/spec/core/ where they are not plainer.
 *
 * @module
 */

/** Writes itself into the body of a function. */
export interface Statement {
  emit(body: Body): void;
}

/** Writes the instructions that leave one value on the stack. */
type Emit = (body: Body) => void;

/** Bytes of one chunk: what a vector instruction works on at once. */
export const CHUNK_BYTES = 16;

const VOID = 0x40;
const END = 0x0b;

const TYPE_CODES = { i32: 0x7f, i64: 0x7e, f64: 0x7c, v128: 0x7b } as const;
type Type = keyof typeof TYPE_CODES;

/** The instructions of a function, as they are written down. */
export class Body {
  readonly bytes: number[] = [];
  /** The types of the locals, parameters first. */
  readonly locals: Type[] = [];
  /** The blocks around the instruction that is written now, the innermost last. */
  readonly blocks: Label[] = [];

  op(...bytes: number[]): void {
    this.bytes.push(...bytes);
  }

  /** One of the vector instructions, which have two bytes or three. */
  vectorOp(code: number): void {
    this.op(0xfd, ...unsigned(code));
  }

  all(statements: readonly Statement[]): void {
    for (const statement of statements) statement.emit(this);
  }
}

/** A place to jump to. */
export class Label {
  /** Jumps: to the end of a block, or to the beginning of a loop. */
  jump(): Statement {
    return { emit: (body) => body.op(0x0c, ...this.#depth(body)) };
  }

  /** Jumps if `condition` is not 0. */
  jumpIf(condition: I32): Statement {
    return {
      emit: (body) => {
        condition.emit(body);
        body.op(0x0d, ...this.#depth(body));
      },
    };
  }

  #depth(body: Body): number[] {
    return unsigned(body.blocks.length - 1 - body.blocks.lastIndexOf(this));
  }
}

/** A 32-bit integer, or an address. Comparisons are unsigned and leave 1 or 0. */
export class I32 {
  readonly emit: Emit;

  constructor(emit: Emit) {
    this.emit = emit;
  }

  plus(other: I32 | number): I32 {
    return this.#with(other, 0x6a);
  }
  minus(other: I32 | number): I32 {
    return this.#with(other, 0x6b);
  }
  times(other: I32 | number): I32 {
    return this.#with(other, 0x6c);
  }
  and(other: I32 | number): I32 {
    return this.#with(other, 0x71);
  }
  or(other: I32 | number): I32 {
    return this.#with(other, 0x72);
  }
  xor(other: I32 | number): I32 {
    return this.#with(other, 0x73);
  }
  shiftLeft(bits: I32 | number): I32 {
    return this.#with(bits, 0x74);
  }
  shiftRight(bits: I32 | number): I32 {
    return this.#with(bits, 0x76);
  }
  equals(other: I32 | number): I32 {
    return this.#with(other, 0x46);
  }
  differs(other: I32 | number): I32 {
    return this.#with(other, 0x47);
  }
  isLess(other: I32 | number): I32 {
    return this.#with(other, 0x49);
  }
  isMore(other: I32 | number): I32 {
    return this.#with(other, 0x4b);
  }
  isZero(): I32 {
    return this.#then(0x45);
  }
  /** The place of the lowest bit that is set; 32 if none is. */
  trailingZeros(): I32 {
    return this.#then(0x68);
  }

  /** The byte at this address. */
  byte(offset = 0): I32 {
    return this.#then(0x2d, 0, ...unsigned(offset));
  }
  /** The two bytes at this address, the first one the lowest. */
  twoBytes(offset = 0): I32 {
    return this.#then(0x2f, 0, ...unsigned(offset));
  }
  /** The four bytes at this address, the first one the lowest. */
  fourBytes(offset = 0): I32 {
    return this.#then(0x28, 0, ...unsigned(offset));
  }
  /** The eight bytes at this address, the first one the lowest. */
  eightBytes(offset = 0): I64 {
    return new I64((body) => this.#emitWith(body, 0x29, 0, ...unsigned(offset)));
  }
  /** The sixteen bytes at this address. */
  chunk(offset = 0): Chunk {
    return new Chunk((body) => {
      this.emit(body);
      body.vectorOp(0x00);
      body.op(0, ...unsigned(offset));
    });
  }
  /** The floating-point number at this address. */
  float(offset = 0): F64 {
    return new F64((body) => this.#emitWith(body, 0x2b, 0, ...unsigned(offset)));
  }

  /** Puts a byte at this address. */
  putByte(value: I32 | number, offset = 0): Statement {
    return this.#put(asI32(value), 0x3a, 0, ...unsigned(offset));
  }
  /** Puts four bytes at this address, the lowest first. */
  putFourBytes(value: I32 | number, offset = 0): Statement {
    return this.#put(asI32(value), 0x36, 0, ...unsigned(offset));
  }
  /** Puts sixteen bytes at this address. */
  putChunk(value: Chunk): Statement {
    return this.#put(value, 0xfd, 0x0b, 0, 0);
  }
  /** Puts a floating-point number at this address. */
  putFloat(value: F64, offset = 0): Statement {
    return this.#put(value, 0x39, 0, ...unsigned(offset));
  }

  #put(value: Statement, ...code: number[]): Statement {
    return {
      emit: (body) => {
        this.emit(body);
        value.emit(body);
        body.op(...code);
      },
    };
  }

  #with(other: I32 | number, code: number): I32 {
    return new I32((body) => {
      this.emit(body);
      asI32(other).emit(body);
      body.op(code);
    });
  }

  #then(...code: number[]): I32 {
    return new I32((body) => this.#emitWith(body, ...code));
  }

  #emitWith(body: Body, ...code: number[]): void {
    this.emit(body);
    body.op(...code);
  }
}

/** A 64-bit integer: eight bytes to compare at once, or the bitmasks of four chunks. */
export class I64 {
  readonly emit: Emit;

  constructor(emit: Emit) {
    this.emit = emit;
  }

  /** The bits of an integer, moved to the left. */
  static of(bits: I32, shift = 0): I64 {
    return new I64((body) => {
      bits.emit(body);
      body.op(0xad);
      if (shift > 0) body.op(0x42, ...signed(shift), 0x86);
    });
  }

  or(other: I64): I64 {
    return new I64((body) => {
      this.emit(body);
      other.emit(body);
      body.op(0x84);
    });
  }

  isZero(): I32 {
    return new I32((body) => {
      this.emit(body);
      body.op(0x50);
    });
  }

  /** The place of the lowest bit that is set; 64 if none is. */
  trailingZeros(): I32 {
    return new I32((body) => {
      this.emit(body);
      body.op(0x7a, 0xa7);
    });
  }

  /** The lowest bits; all others are 0. */
  lowest(bits: I32): I64 {
    return new I64((body) => {
      this.emit(body);
      // All ones, moved to the left, are those that go.
      body.op(0x42, 0x7f);
      bits.emit(body);
      body.op(0xad, 0x86, 0x42, 0x7f, 0x85, 0x83);
    });
  }

  equals(other: I64): I32 {
    return new I32((body) => {
      this.emit(body);
      other.emit(body);
      body.op(0x51);
    });
  }
}

/** A floating-point number: a count that may grow beyond 32 bits. */
export class F64 {
  readonly emit: Emit;

  constructor(emit: Emit) {
    this.emit = emit;
  }

  plus(other: I32): F64 {
    return new F64((body) => {
      this.emit(body);
      other.emit(body);
      body.op(0xb8, 0xa0);
    });
  }
}

/** Sixteen bytes at once. A comparison sets all bits of each byte for which it holds. */
export class Chunk {
  readonly emit: Emit;

  constructor(emit: Emit) {
    this.emit = emit;
  }

  /** Sixteen times the same byte. */
  static of(byte: number): Chunk {
    return new Chunk((body) => {
      body.vectorOp(0x0c);
      body.op(...new Array(CHUNK_BYTES).fill(byte & 0xff));
    });
  }

  equals(byte: number): Chunk {
    return this.#with(Chunk.of(byte), 35);
  }
  /** Less than `byte`, both taken as signed: so are all bytes from 0x80 on. */
  isLessSigned(byte: number): Chunk {
    return this.#with(Chunk.of(byte), 37);
  }
  /** `byte` or less; the processor has no instruction for less. */
  isAtMost(byte: number): Chunk {
    return this.#with(Chunk.of(byte), 42);
  }
  minus(byte: number): Chunk {
    return this.#with(Chunk.of(byte), 113);
  }
  and(byte: number): Chunk {
    return this.#with(Chunk.of(byte), 78);
  }
  or(other: Chunk): Chunk {
    return this.#with(other, 80);
  }
  /** Bit N is the highest bit of byte N. */
  bitmask(): I32 {
    return new I32((body) => {
      this.emit(body);
      body.vectorOp(100);
    });
  }

  #with(other: Chunk, code: number): Chunk {
    return new Chunk((body) => {
      this.emit(body);
      other.emit(body);
      body.vectorOp(code);
    });
  }
}

/** A variable that holds an integer. */
export class I32Variable extends I32 {
  readonly #index: number;

  constructor(index: number) {
    super((body) => body.op(0x20, ...unsigned(index)));
    this.#index = index;
  }

  set(value: I32 | number): Statement {
    return setLocal(this.#index, asI32(value));
  }

  /** Adds to it. */
  add(value: I32 | number): Statement {
    return this.set(this.plus(value));
  }
}

/** A variable that holds a 64-bit integer. */
export class I64Variable extends I64 {
  readonly #index: number;

  constructor(index: number) {
    super((body) => body.op(0x20, ...unsigned(index)));
    this.#index = index;
  }

  set(value: I64): Statement {
    return setLocal(this.#index, value);
  }

  /** Sets the lowest bit that is set to 0. */
  dropLowest(): Statement {
    const one = [0x42, 1];
    return setLocal(this.#index, {
      emit: (body) => {
        this.emit(body);
        this.emit(body);
        body.op(...one, 0x7d, 0x83);
      },
    });
  }
}

/** A variable that holds a chunk. */
export class ChunkVariable extends Chunk {
  readonly #index: number;

  constructor(index: number) {
    super((body) => body.op(0x20, ...unsigned(index)));
    this.#index = index;
  }

  set(value: Chunk): Statement {
    return setLocal(this.#index, value);
  }
}

/** An integer, or an address, that does not change. */
export function constant(value: number): I32 {
  return new I32((body) => body.op(0x41, ...signed(value)));
}

/** The number that four digits write: bytes from 0 to 9, the first one the lowest. */
export function fourDigits(digits: I32): I32 {
  return twoPairs(digits.times(10).plus(digits.shiftRight(8)).and(0x00ff00ff));
}

/** The number that two digits write: bytes from 0 to 9, the first one the lowest. */
export function twoDigits(digits: I32): I32 {
  return digits.times(10).plus(digits.shiftRight(8)).and(0xff);
}

/** The number that two pairs of digits write. */
function twoPairs(pairs: I32): I32 {
  return pairs.times(100).plus(pairs.shiftRight(16)).and(0xffff);
}

/** Statements behind whose end `label` leads. */
export function block(write: (label: Label) => readonly Statement[]): Statement {
  return nested(0x02, write);
}

/** Statements to whose beginning `label` leads. Without a jump there, they are done once. */
export function loop(write: (label: Label) => readonly Statement[]): Statement {
  return nested(0x03, write);
}

/** Statements that are done if `condition` is not 0. */
export function when(condition: I32, statements: readonly Statement[]): Statement {
  return {
    emit: (body) => {
      condition.emit(body);
      nested(0x04, () => statements).emit(body);
    },
  };
}

/** Ends the function with its result. */
export function result(value: I32 | number): Statement {
  return {
    emit: (body) => {
      asI32(value).emit(body);
      body.op(0x0f);
    },
  };
}

/** Makes the variables of a kernel. */
export interface Variables {
  i32(): I32Variable;
  i64(): I64Variable;
  chunk(): ChunkVariable;
}

/** A kernel with a memory of its own. */
export interface Kernel {
  memory: Uint8Array<ArrayBuffer>;
  /** Takes and returns 32-bit integers. */
  run: (...values: number[]) => number;
}

/**
 * Assembles a kernel.
 *
 * @param parameters How many integers it takes.
 * @param write Writes its body, out of its parameters; it must end with a {@linkcode result}.
 * @returns Makes a kernel with a memory of at least so many bytes, which never grows.
 */
export function kernel(
  parameters: number,
  write: (parameters: I32Variable[], variables: Variables) => readonly Statement[],
): (memoryBytes: number) => Kernel {
  let module: WebAssembly.Module | undefined;
  return (memoryBytes) => {
    module ??= new WebAssembly.Module(assemble(parameters, write));
    const pages = Math.ceil(memoryBytes / 65_536);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const { exports } = new WebAssembly.Instance(module, { "": { memory } });
    const bytes = new Uint8Array(memory.buffer as ArrayBuffer);
    return { memory: bytes, run: exports.run as Kernel["run"] };
  };
}

function assemble(
  parameters: number,
  write: (parameters: I32Variable[], variables: Variables) => readonly Statement[],
): Uint8Array<ArrayBuffer> {
  const body = new Body();
  const local = (type: Type) => body.locals.push(type) - 1;
  const variables: Variables = {
    i32: () => new I32Variable(local("i32")),
    i64: () => new I64Variable(local("i64")),
    chunk: () => new ChunkVariable(local("v128")),
  };
  const taken = Array.from({ length: parameters }, () => variables.i32());
  body.all(write(taken, variables));
  const types = body.locals.map((type) => TYPE_CODES[type]);
  const locals = types.slice(parameters).map((type) => [1, type]);
  const code = [...vector(locals), ...body.bytes, END];
  return new Uint8Array([
    ...[0x00, ...text("asm"), 1, 0, 0, 0],
    ...section(1, [[0x60, ...vector(types.slice(0, parameters).map((type) => [type])), 1, 0x7f]]),
    ...section(2, [[0, ...name("memory"), 0x02, 0x00, 1]]),
    ...section(3, [[0]]),
    ...section(7, [[...name("run"), 0x00, 0]]),
    ...section(10, [[...unsigned(code.length), ...code]]),
  ]);
}

function nested(code: number, write: (label: Label) => readonly Statement[]): Statement {
  return {
    emit: (body) => {
      const label = new Label();
      body.op(code, VOID);
      body.blocks.push(label);
      body.all(write(label));
      body.blocks.pop();
      body.op(END);
    },
  };
}

function setLocal(index: number, value: Statement): Statement {
  return {
    emit: (body) => {
      value.emit(body);
      body.op(0x21, ...unsigned(index));
    },
  };
}

function asI32(value: I32 | number): I32 {
  return typeof value === "number" ? constant(value) : value;
}

function section(id: number, entries: number[][]): number[] {
  const content = vector(entries);
  return [id, ...unsigned(content.length), ...content];
}

function vector(entries: number[][]): number[] {
  return [...unsigned(entries.length), ...entries.flat()];
}

function text(ascii: string): number[] {
  return Array.from(ascii, (letter) => letter.charCodeAt(0));
}

/** A name; that of an import has an empty module name before it. */
function name(ascii: string): number[] {
  return [ascii.length, ...text(ascii)];
}

/** LEB128 of an integer from 0 on. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [value & 0x7f | 0x80, ...unsigned(value >>> 7)];
}

/** LEB128 of a 32-bit integer. */
function signed(value: number): number[] {
  const isLast = value >= -0x40 && value < 0x40;
  return isLast ? [value & 0x7f] : [value & 0x7f | 0x80, ...signed(value >> 7)];
}
