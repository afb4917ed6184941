/**
 * The binary format of WebAssembly, as far as kernels need it:
 * https://webassembly.github.io/spec/core/binary/.
 *
 * @module
 */

/** Opcodes by the mnemonics of the specification; those of vector instructions have two bytes. */
export const OPCODES = {
  "block": [0x02],
  "loop": [0x03],
  "if": [0x04],
  "end": [0x0b],
  "br": [0x0c],
  "br_if": [0x0d],
  "return": [0x0f],
  "local.get": [0x20],
  "local.set": [0x21],
  "i32.load": [0x28],
  "i64.load": [0x29],
  "f64.load": [0x2b],
  "i32.load8_u": [0x2d],
  "i32.load16_u": [0x2f],
  "i32.store": [0x36],
  "f64.store": [0x39],
  "i32.store8": [0x3a],
  "i32.const": [0x41],
  "i64.const": [0x42],
  "i32.eqz": [0x45],
  "i32.eq": [0x46],
  "i32.ne": [0x47],
  "i32.lt_u": [0x49],
  "i32.gt_u": [0x4b],
  "i64.eqz": [0x50],
  "i64.eq": [0x51],
  "i32.clz": [0x67],
  "i32.ctz": [0x68],
  "i32.popcnt": [0x69],
  "i32.add": [0x6a],
  "i32.sub": [0x6b],
  "i32.mul": [0x6c],
  "i32.and": [0x71],
  "i32.or": [0x72],
  "i32.xor": [0x73],
  "i32.shl": [0x74],
  "i32.shr_u": [0x76],
  "i64.clz": [0x79],
  "i64.ctz": [0x7a],
  "i64.popcnt": [0x7b],
  "i64.add": [0x7c],
  "i64.sub": [0x7d],
  "i64.and": [0x83],
  "i64.or": [0x84],
  "i64.xor": [0x85],
  "i64.shl": [0x86],
  "f64.add": [0xa0],
  "i32.wrap_i64": [0xa7],
  "i64.extend_i32_u": [0xad],
  "f64.convert_i32_u": [0xb8],
  "v128.load": [0xfd, 0x00],
  "v128.store": [0xfd, 0x0b],
  "v128.const": [0xfd, 0x0c],
  "i8x16.eq": [0xfd, 0x23],
  "i8x16.lt_s": [0xfd, 0x25],
  "i8x16.le_u": [0xfd, 0x2a],
  "v128.and": [0xfd, 0x4e],
  "v128.or": [0xfd, 0x50],
  "i8x16.bitmask": [0xfd, 0x64],
  "i8x16.sub": [0xfd, 0x71],
} as const;

/** The codes of the types of values. */
export const TYPE_CODES = { i32: 0x7f, i64: 0x7e, f64: 0x7c, v128: 0x7b } as const;
/** A type of value. */
export type Type = keyof typeof TYPE_CODES;
/** The type of a block that leaves no value. */
export const VOID = 0x40;

/** A section of a module. */
export function section(id: number, entries: number[][]): number[] {
  const content = vector(entries);
  return [id, ...unsigned(content.length), ...content];
}

/** A counted sequence of entries. */
export function vector(entries: number[][]): number[] {
  return [...unsigned(entries.length), ...entries.flat()];
}

/** The bytes of a text in ASCII. */
export function ascii(text: string): number[] {
  return Array.from(text, (letter) => letter.charCodeAt(0));
}

/** A name of up to 127 ASCII letters, after its length. */
export function name(text: string): number[] {
  return [text.length, ...ascii(text)];
}

/** LEB128 of an integer from 0 up. */
export function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [value & 0x7f | 0x80, ...unsigned(value >>> 7)];
}

/** LEB128 of a signed 32-bit integer. */
export function signed(value: number): number[] {
  const isLast = value >= -0x40 && value < 0x40;
  return isLast ? [value & 0x7f] : [value & 0x7f | 0x80, ...signed(value >> 7)];
}
