/**
 * Helpers for tests of the ledger: batches from short texts, and file ledgers with a readable log.
 *
 * @module
 */

import { assert } from "@std/assert";
import { type ActionLog, openLog, SERVER_LEVELS } from "../../shared/logging.ts";
import { type BetBatch, BetDecoder } from "../../shared/mod.ts";
import type { Disk } from "../ledger/disk.ts";
import {
  type FileLedger,
  type FileLedgerOptions,
  openFileLedger,
} from "../ledger/file/file_ledger.ts";
import { BETS_FILE } from "../ledger/file/volume_files.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { MemoryDisk } from "./memory_disk.ts";

/** The agencies of the tests. */
export const AGENCIES = 5;
/** The number that wins in the tests. */
export const WINNING_NUMBER = 7574;
/** A day after every birthdate of the tests. */
const TODAY = 20261123;

/** Size of a redo log in the tests: a few rounds. */
export const LOG_BYTES = 16 * 1024;

const decoder = new BetDecoder("rows");

/** Decodes a Store packet, given without its line end, for the file ledger. */
export function batchOf(packet: string): BetBatch {
  const type = packet.startsWith("StoreBet:") ? "StoreBet" : "StoreBatch";
  const line = new TextEncoder().encode(packet);
  return decoder.decode(type, line, { agencies: AGENCIES, today: TODAY });
}

/** A batch of `count` bets whose documents are `name-0`, `name-1` and so on. */
export function namedBatch(name: string, { agency = 1, count = 2 } = {}): BetBatch {
  const bets = Array.from(
    { length: count },
    (_, index) => `Ana;Paz;${name}-${index};1980-01-01;${index}`,
  );
  return batchOf(`StoreBatch:${agency};${bets.join(":")}`);
}

/** A log and its lines. */
export interface KeptLog {
  log: ActionLog;
  lines: string[];
}

/** Opens a log that keeps its lines, each from its action on. */
export function keepLog(): KeptLog {
  const lines: string[] = [];
  const sink = (line: string) => void lines.push(line.slice(line.indexOf("action:")));
  return { log: openLog({ levels: SERVER_LEVELS, level: "DEBUG", sink }), lines };
}

/** A file ledger under test. */
export interface OpenedLedger extends KeptLog {
  ledger: FileLedger;
  /** The reason why the ledger has failed, if it has. */
  failures: Error[];
}

/** Opens a ledger on a disk. */
export async function openLedger(
  disk: Disk,
  { logBytes = LOG_BYTES, handover }: Pick<FileLedgerOptions, "logBytes" | "handover"> = {},
): Promise<OpenedLedger> {
  const kept = keepLog();
  const failures: Error[] = [];
  const ledger = await openFileLedger(disk, {
    agencies: AGENCIES,
    winningNumber: WINNING_NUMBER,
    log: kept.log,
    logBytes,
    handover,
  });
  ledger.failed.then((error) => failures.push(error));
  return { ledger, failures, ...kept };
}

/** The number of an agency's stored bets. Fails if the ledger does not know. */
export async function storedBets(ledger: Ledger, agency: number): Promise<number> {
  const result = await ledger.progress(agency);
  assert(result.status === "known", JSON.stringify(result));
  return result.bets;
}

/** A volume with bets of agency 1 in several rounds, and agency 4 closed; no server runs. */
export async function usedDisk(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const { ledger } = await openLedger(disk.process());
  for (const name of ["a", "b", "c"]) await ledger.append(namedBatch(name, { count: 3 }));
  await ledger.close(4);
  await ledger[Symbol.asyncDispose]();
  return disk;
}

/** Files by name, as they are now. */
export function filesOf(disk: MemoryDisk): Map<string, string> {
  return new Map([...disk.nodes.keys()].sort().map((name) => [name, disk.text(name)]));
}

/** The bytes that were truncated and kept. */
export function copiesOf(disk: MemoryDisk): string[] {
  return [...disk.nodes.keys()].filter((name) => name.startsWith(`${BETS_FILE}.cut-`))
    .map((name) => disk.text(name));
}
