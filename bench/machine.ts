/**
 * The machine on which all figures depend, above all its disk.
 *
 * @module
 */

import { spreadOf } from "./spread.ts";

/** Properties of the machine. */
export interface Machine {
  deno: string;
  system: string;
  /** Undefined where it cannot be read. */
  processor?: string;
  cores: number;
  /** Median time of a batch's write and fdatasync in the benchmark's folder. */
  writeAndSyncMs: number;
}

const WRITE_BYTES = 4800;
const WRITES = 200;

/** Examines the machine, and the disk of `folder`. */
export function examineMachine(folder: string): Machine {
  return {
    deno: Deno.version.deno,
    system: `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`,
    processor: readProcessor(),
    cores: navigator.hardwareConcurrency,
    writeAndSyncMs: timeWrites(`${folder}/written.txt`),
  };
}

/** Formats the machine as a line. */
export function formatMachine(machine: Machine): string {
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
