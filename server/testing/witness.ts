/**
 * A witness records what ledgers promised, and compares it with what the disk holds afterwards.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { crc32 } from "node:zlib";
import { parse } from "@std/csv";
import { Random } from "../../testing/random.ts";
import type { AppendResult, Ledger } from "../ledger/ledger.ts";
import { PAGE_BYTES } from "../ledger/file/log_record.ts";
import { parseJournal } from "../ledger/file/round_journal.ts";
import {
  CHECKPOINT_FILE,
  DISK_FAILURE_FILE,
  IDENTITY_FILE,
  JOURNAL_FILE,
} from "../ledger/file/volume_files.ts";
import { AGENCIES, namedBatch, openLedger, storedBets } from "./ledgers.ts";
import type { MemoryDisk, MemoryProcess } from "./memory_disk.ts";

const ALL_AGENCIES = Array.from({ length: AGENCIES }, (_, index) => index + 1);

/** The outcome of a batch, as its sender knows it. */
type Fate = AppendResult["status"];

interface Sent {
  agency: number;
  count: number;
  fate: Fate;
}

/** What has happened to the disk before it is judged. */
export interface Trial {
  /** What happened, for the message. */
  when?: string;
}

/** Power cuts that were judged before: many runs leave the same files. */
const judged = new Set<string>();

/** Sends batches and closes, and records the outcomes. */
export class Witness {
  readonly #sent = new Map<string, Sent>();
  readonly #closed = new Set<number>();
  #count = 0;

  /** Sends a batch. An answer after the process was killed does not count. */
  async append(
    ledger: Ledger,
    process: MemoryProcess,
    { agency = 1, count = 2 } = {},
  ): Promise<Fate> {
    const name = `b${this.#count++}`;
    const sent: Sent = { agency, count, fate: "unknown" };
    this.#sent.set(name, sent);
    try {
      const result = await ledger.append(namedBatch(name, { agency, count }));
      if (!process.isKilled) sent.fate = result.status;
    } catch {
      // It stays unknown.
    }
    if (sent.fate === "stored") {
      assert(!this.#closed.has(agency), `a bet of agency ${agency} is stored after its close`);
    }
    return sent.fate;
  }

  /** Closes an agency; returns whether that was acknowledged. */
  async close(ledger: Ledger, process: MemoryProcess, agency: number): Promise<boolean> {
    const { status } = await ledger.close(agency);
    if (process.isKilled || status === "unknown") return false;
    this.#closed.add(agency);
    return true;
  }

  /** Compares the promises with what a new process finds, and lets that process continue. */
  async judge(disk: MemoryDisk, trial: Trial = {}): Promise<void> {
    const { when = "" } = trial;
    disk.fault = () => undefined;
    // As an operator does who has looked at the disk.
    disk.remove(DISK_FAILURE_FILE);
    const successor = await openLedger(disk.process());
    this.#compare(disk, trial);
    await this.#countsAgree(successor.ledger, disk);
    await Promise.all(ALL_AGENCIES.map(async (agency) => {
      const result = await successor.ledger.append(namedBatch(`successor${agency}`, { agency }));
      if (this.#closed.has(agency)) {
        assert(result.status !== "stored", `closed agency ${agency} accepts bets ${when}`);
      }
      if (result.status === "stored") return;
      assertEquals(result, { status: "refused", reason: `agency ${agency} is closed` }, when);
      assertEquals(
        await successor.ledger.close(agency),
        { status: "closed", repeated: true },
        when,
      );
    }));
    await this.#countsAgree(successor.ledger, disk);
    const next = await openLedger(disk.process());
    await this.#countsAgree(next.ledger, disk);
    assertEquals(successor.failures, [], when);
    await successor.ledger[Symbol.asyncDispose]();
    await next.ledger[Symbol.asyncDispose]();
    this.#compare(disk, trial);
  }

  /** Judges some of the states that a power cut could leave now: other ones after each operation. */
  async judgeAfterPowerCut(disk: MemoryDisk, when: string): Promise<void> {
    let index = 0;
    for (const left of powerCuts(disk)) {
      const files = [...left.nodes.keys()].map((name) => [name, relevantText(left, name)]);
      const key = JSON.stringify([[...this.#sent], [...this.#closed], files]);
      if (judged.has(key)) continue;
      judged.add(key);
      const state = `${when}, then power cut ${index++} left ${
        JSON.stringify([left.text("bets.csv.round"), left.text("bets.csv")])
      }`;
      try {
        await this.judge(left, { when: state });
      } catch (cause) {
        throw new Error(`after ${state}: ${(cause as Error).message}`, { cause });
      }
    }
  }

  #compare(disk: MemoryDisk, { when = "" }: Trial): void {
    const found = new Map<string, number>();
    for (const [agency, , , document] of rowsOf(disk)) {
      const [name, index] = document.split("-");
      if (name.startsWith("successor")) continue;
      const sent = this.#sent.get(name);
      assert(sent !== undefined, `nobody sent ${document} ${when}`);
      assertEquals(agency, String(sent.agency), when);
      assertEquals(
        Number(index),
        found.get(name) ?? 0,
        `${document} is duplicated or misplaced ${when}`,
      );
      found.set(name, Number(index) + 1);
    }
    for (const [name, { fate, count }] of this.#sent) {
      const bets = found.get(name) ?? 0;
      if (fate === "stored") assertEquals(bets, count, `${name} is stored ${when}`);
      else if (fate === "refused") assertEquals(bets, 0, `${name} is refused ${when}`);
      else assert(bets === 0 || bets === count, `${name} has ${bets} of ${count} bets ${when}`);
    }
  }

  async #countsAgree(ledger: Ledger, disk: MemoryDisk): Promise<void> {
    const rows = rowsOf(disk);
    await Promise.all(ALL_AGENCIES.map(async (agency) => {
      const count = rows.filter(([first]) => first === String(agency)).length;
      assertEquals(await storedBets(ledger, agency), count);
    }));
  }
}

/** How many mixtures of the states of all files a power cut is tried with. */
const MIXTURES = 4;

/** The oldest and the newest states of all files, and some mixtures. */
function* powerCuts(disk: MemoryDisk): Generator<MemoryDisk> {
  yield disk.cutPower((states) => states[0]);
  yield disk.cutPower((states) => states[states.length - 1]);
  const random = new Random(disk.operations);
  for (let mixture = 0; mixture < MIXTURES; mixture++) {
    yield disk.cutPower((states) => random.pick(states));
  }
}

/**
 * A file's content, as far as it decides what a server does after a power cut: identities and copies carry a time
 * or an id, and of the journal and the notice of a checkpoint nothing counts but the mark of the closes.
 */
function relevantText(disk: MemoryDisk, name: string): string {
  if (name === IDENTITY_FILE || name.includes(".cut-")) return disk.text(name).slice(-1);
  const bytes = disk.bytes(name);
  if (name === JOURNAL_FILE) return JSON.stringify(parseJournal(bytes).mark);
  const deciding = name === CHECKPOINT_FILE ? bytes.subarray(0, 2 * PAGE_BYTES) : bytes;
  return `${deciding.length} ${crc32(deciding)}`;
}

/** The rows of bets.csv. Fails if the last one is torn. */
export function rowsOf(disk: MemoryDisk): string[][] {
  const text = disk.text("bets.csv");
  assert(text === "" || text.endsWith("\n"), "bets.csv ends within a row");
  const rows = parse(text);
  for (const row of rows) assertEquals(row.length, 6);
  return rows;
}
