/**
 * What figures depend on: the machine, and its disk above all.
 *
 * @module
 */

import { spreadOf } from "./measures.ts";

/** The machine. */
export interface Machine {
  deno: string;
  system: string;
  /** Nothing where it cannot be read. */
  processor?: string;
  cores: number;
  /** What a batch's write and fdatasync take in the benchmark's folder, in milliseconds: the median. */
  writeAndSyncMs: number;
}

const WRITE_BYTES = 4800;
const WRITES = 200;

/** Looks at the machine; `folder` is on the disk that is measured. */
export function examineMachine(folder: string): Machine {
  return {
    deno: Deno.version.deno,
    system: `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`,
    processor: readProcessor(),
    cores: navigator.hardwareConcurrency,
    writeAndSyncMs: timeWrites(`${folder}/written.txt`),
  };
}

/** Writes it as a line. */
export function showMachine(machine: Machine): string {
  const { deno, system, processor = "unknown processor", cores, writeAndSyncMs } = machine;
  return `Deno ${deno}, ${system}, ${processor}, ${cores} cores; ` +
    `a write of ${WRITE_BYTES} bytes with fdatasync takes ${writeAndSyncMs.toFixed(2)} ms`;
}

function readProcessor(): string | undefined {
  try {
    return /^model name\s*:\s*(.*)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1];
  } catch {
    return undefined;
  }
}

function timeWrites(path: string): number {
  const bytes = new Uint8Array(WRITE_BYTES).fill(0x20);
  using file = Deno.openSync(path, { create: true, append: true });
  const timesMs = Array.from({ length: WRITES }, () => {
    const beginMs = performance.now();
    file.writeSync(bytes);
    file.syncDataSync();
    return performance.now() - beginMs;
  });
  return spreadOf(timesMs).median;
}
