/**
 * What the tests of the ledger share: batches out of short texts, and ledgers with a log to look at.
 *
 * @module
 */

import { type ActionLog, openLog, SERVER_LEVELS } from "../../shared/logging.ts";
import { BetBatch, decodeRequest } from "../../shared/packets.ts";
import type { Disk } from "../ledger/file/disk.ts";
import { openFileLedger } from "../ledger/file/file_ledger.ts";
import type { Ledger } from "../ledger/ledger.ts";

/** The agencies of the tests. */
export const AGENCIES = 5;
/** The number that wins in the tests. */
export const WINNING_NUMBER = 7574;
/** A day that no test's birthdate is behind. */
const TODAY = 20261123;

/** Decodes the batch of a Store packet, without its line end. */
export function batchOf(packet: string): BetBatch {
  const batch = new BetBatch();
  const line = new TextEncoder().encode(packet);
  decodeRequest(line, { agencies: AGENCIES, today: TODAY }, batch);
  return batch;
}

/** A batch of `count` bets whose documents are `name-0`, `name-1` and so on. */
export function namedBatch(name: string, { agency = 1, count = 2 } = {}): BetBatch {
  const bets = Array.from(
    { length: count },
    (_, index) => `Ana;Paz;${name}-${index};1980-01-01;${index}`,
  );
  return batchOf(`StoreBatch:${agency};${bets.join(":")}`);
}

/** A log, and the lines it has written. */
export interface KeptLog {
  log: ActionLog;
  lines: string[];
}

/** Keeps log lines, from their action on. */
export function keepLog(): KeptLog {
  const lines: string[] = [];
  const sink = (line: string) => void lines.push(line.slice(line.indexOf("action:")));
  return { log: openLog({ levels: SERVER_LEVELS, level: "DEBUG", sink }), lines };
}

/** A ledger under test. */
export interface OpenedLedger extends KeptLog {
  ledger: Ledger;
  /** What the ledger said when it could not go on. */
  failures: Error[];
}

/** Opens a ledger on a disk. */
export async function openLedger(disk: Disk): Promise<OpenedLedger> {
  const kept = keepLog();
  const failures: Error[] = [];
  const ledger = await openFileLedger(disk, {
    agencies: AGENCIES,
    winningNumber: WINNING_NUMBER,
    log: kept.log,
    onFailure: (error) => failures.push(error),
  });
  return { ledger, failures, ...kept };
}

/** Numbers that look random, and are the same for the same seed. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
