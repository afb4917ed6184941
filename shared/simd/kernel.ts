/**
 * Kernels: functions over one memory, written with wasm.ts and run by WebAssembly.
 *
 * @module
 */

import { type Body, Code, I32Local, I64Local, type Statement, V128Local } from "./wasm.ts";
import { ascii, name, section, type Type, TYPE_CODES, unsigned, vector } from "./wasm_format.ts";

/** Declares the local variables of a kernel. They start as 0. */
export interface Locals {
  i32(): I32Local;
  i64(): I64Local;
  v128(): V128Local;
}

/** A kernel with a memory of its own. */
export interface Kernel {
  memory: Uint8Array<ArrayBuffer>;
  /** Takes and returns 32-bit integers. */
  run: (...values: number[]) => number;
}

type WriteKernel = (parameters: I32Local[], locals: Locals) => readonly Statement[];

/**
 * The smallest module with a vector instruction: a function that returns `i8x16.bitmask` of zeros.
 * These are its bytes, because a program asks for it at its start, where assembling takes long.
 */
const PROBE = new Uint8Array([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 5, 1, 0x60, 0, 1, 0x7f], // the type of a function that returns an i32
  ...[3, 2, 1, 0], // a function of that type
  ...[10, 24, 1, 22, 0, 0xfd, 0x0c, ...new Array(16).fill(0), 0xfd, 0x64, 0x0b], // its code
]);

let isAvailable: boolean | undefined;

/**
 * Returns whether kernels can run here. They cannot if the processor lacks the instructions (x86
 * before SSE4.1), or if Deno may not generate machine code (`--jitless`).
 */
export function hasVectorInstructions(): boolean {
  // Without machine code there is no WebAssembly at all.
  return isAvailable ??= "WebAssembly" in globalThis && WebAssembly.validate(PROBE);
}

/**
 * Defines a kernel. It is assembled when one first runs, which takes
 * {@linkcode hasVectorInstructions}: until then it costs nothing.
 *
 * @param parameters How many integers it takes.
 * @param write Writes its body; every path through it must end with a returnValue().
 * @returns Makes the kernel with a memory of its own, of at least `memoryBytes`, which never grows.
 */
export function kernel(parameters: number, write: WriteKernel): (memoryBytes: number) => Kernel {
  let module: WebAssembly.Module | undefined;
  return (memoryBytes) => {
    const pages = Math.ceil(memoryBytes / 65_536);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const made: Kernel = {
      memory: new Uint8Array(memory.buffer as ArrayBuffer),
      run(...values) {
        module ??= new WebAssembly.Module(assemble(parameters, write));
        const { exports } = new WebAssembly.Instance(module, { "": { memory } });
        made.run = exports.run as Kernel["run"];
        return made.run(...values);
      },
    };
    return made;
  };
}

/** Writes a module that imports its memory and exports one function, `run`. */
function assemble(parameters: number, write: WriteKernel): Uint8Array<ArrayBuffer> {
  const body: Body = { bytes: [], locals: [], blocks: [] };
  const local = (type: Type) => body.locals.push(type) - 1;
  const locals: Locals = {
    i32: () => new I32Local(local("i32")),
    i64: () => new I64Local(local("i64")),
    v128: () => new V128Local(local("v128")),
  };
  const taken = Array.from({ length: parameters }, () => locals.i32());
  new Code(...write(taken, locals), "end").emit(body);
  const types = body.locals.map((type) => TYPE_CODES[type]);
  const declared = types.slice(parameters).map((type) => [1, type]);
  const code = [...vector(declared), ...body.bytes];
  const parameterTypes = vector(types.slice(0, parameters).map((type) => [type]));
  return new Uint8Array([
    ...[0x00, ...ascii("asm"), 1, 0, 0, 0],
    ...section(1, [[0x60, ...parameterTypes, 1, TYPE_CODES.i32]]), // the function's type
    ...section(2, [[...name(""), ...name("memory"), 0x02, 0x00, 1]]), // import of a page or more
    ...section(3, [[0]]), // a function of type 0
    ...section(7, [[...name("run"), 0x00, 0]]), // export of function 0
    ...section(10, [[...unsigned(code.length), ...code]]), // its code
  ]);
}
