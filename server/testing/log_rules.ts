/**
 * Helpers for tests of sequences that a rule prevents: each is played on every kind of disk, with the rule and
 * without it.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { DiskFile } from "../ledger/disk.ts";
import { FatalLedgerError } from "../ledger/fatal_error.ts";
import { BETS_FILE } from "../ledger/file/volume_files.ts";
import { openLedger } from "./ledgers.ts";
import { MemoryDisk } from "./memory_disk.ts";
import { type DiskProcess, type PowerDisk, PowerFolder } from "./power_folder.ts";

/** What becomes of an acknowledged batch. */
export type Fault = "lost" | "torn" | "doubled";

/** A sequence that a rule prevents. It returns what became of the acknowledged batches. */
export interface Rule {
  /** What happens without the rule. */
  finds: Fault;
  play: (disk: PowerDisk, isOff: boolean) => Promise<Fault[]>;
}

const DISKS: Record<string, () => PowerDisk & Partial<AsyncDisposable>> = {
  "in memory": () => new MemoryDisk(),
  "on real files": () => new PowerFolder(),
};

/** Plays a sequence on each disk; the rule holds unless it is switched off. */
export function testRule(name: string, { finds, play }: Rule): void {
  for (const [where, newDisk] of Object.entries(DISKS)) {
    for (const isOff of [false, true]) {
      const what = isOff ? `: a batch is ${finds} without this rule` : "";
      Deno.test(`${name}, ${where}${what}`, async () => {
        const disk = newDisk();
        try {
          assertEquals([...new Set(await play(disk, isOff))], isOff ? [finds] : []);
        } finally {
          await disk[Symbol.asyncDispose]?.();
        }
      });
    }
  }
}

/** What is changed of a file, or returns that. */
export type Change = Partial<DiskFile> | ((file: DiskFile) => Partial<DiskFile>);

/** Changes the files of a process whose names begin so. */
export function changeFiles(process: DiskProcess, prefix: string, change: Change): void {
  const [open, find, createUnique] = [process.open, process.find, process.createUnique];
  const changed = <File extends DiskFile | undefined>(name: string, file: File): File =>
    file !== undefined && name.startsWith(prefix)
      ? Object.assign(file, typeof change === "function" ? change(file) : change)
      : file;
  process.open = (name) => changed(name, open.call(process, name));
  process.find = (name) => changed(name, find.call(process, name));
  process.createUnique = (wanted) => {
    const { name, file } = createUnique.call(process, wanted);
    return { name, file: changed(name, file) };
  };
}

/**
 * Cuts the power, and returns what became of acknowledged batches once a server has started. If none starts, those
 * are lost that are in no file.
 */
export async function faultsAfterPowerCut(disk: PowerDisk, names: string[]): Promise<Fault[]> {
  const left = disk.cutPower((states) => states[0]);
  const process = left.process();
  try {
    await openLedger(process);
    return faultsOn(left, names);
  } catch (error) {
    if (!(error instanceof FatalLedgerError)) throw error;
    return faultsOn(left, names, process.list(BETS_FILE));
  }
}

/** Returns what became of acknowledged batches. All of them have two bets. */
export function faultsOn(disk: PowerDisk, names: string[], files: string[] = [BETS_FILE]): Fault[] {
  const text = files.map((file) => disk.text(file)).join("");
  return names.flatMap((name) => {
    const bets = text.split(`,${name}-`).length - 1;
    return bets === 2 ? [] : bets === 0 ? ["lost"] : bets > 2 ? ["doubled"] : ["torn"];
  });
}
