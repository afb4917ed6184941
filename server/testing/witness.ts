/**
 * A witness of what a ledger promised, who compares it with what the disk holds afterwards.
 *
 * @module
 */

import { assert, assertEquals, assertLess } from "@std/assert";
import { parse } from "@std/csv";
import type { AppendResult, Ledger } from "../ledger/ledger.ts";
import { AGENCIES, namedBatch, openLedger, storedBets } from "./ledgers.ts";
import type { MemoryDisk, MemoryProcess } from "./memory_disk.ts";

const ALL_AGENCIES = Array.from({ length: AGENCIES }, (_, index) => index + 1);

/** What a batch's sender was told. */
type Fate = AppendResult["status"];

interface Sent {
  agency: number;
  count: number;
  fate: Fate;
}

/** What must hold of the disk, beside that nothing promised is broken. */
export interface Trial {
  /**
   * Whether the power was cut: then of a batch that nobody was told about, a beginning may be there, as
   * whole bets, from which the sender goes on when it has asked for progress.
   */
  powerCut?: boolean;
  /** Where it happened, for the message. */
  when?: string;
}

/** Power cuts that were judged before: many ways lead to the same end. */
const judged = new Set<string>();

/** Sends batches and closes, and remembers what it was told. */
export class Witness {
  readonly #sent = new Map<string, Sent>();
  readonly #closed = new Set<number>();
  #count = 0;

  /** Sends a batch; what is told after the process was killed has not been told. */
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

  /** Closes an agency; returns whether that was promised. */
  async close(ledger: Ledger, process: MemoryProcess, agency: number): Promise<boolean> {
    const { status } = await ledger.close(agency);
    if (process.isKilled || status === "unknown") return false;
    this.#closed.add(agency);
    return true;
  }

  /** Compares what was promised with what a new process finds, and lets that one go on. */
  async judge(disk: MemoryDisk, trial: Trial = {}): Promise<void> {
    const { when = "" } = trial;
    disk.fault = () => undefined;
    const heir = await openLedger(disk.process());
    this.#compare(disk, trial);
    await this.#countsAgree(heir.ledger, disk);
    await Promise.all(ALL_AGENCIES.map(async (agency) => {
      const result = await heir.ledger.append(namedBatch(`heir${agency}`, { agency }));
      if (this.#closed.has(agency)) {
        assert(result.status !== "stored", `closed agency ${agency} goes on ${when}`);
      }
      if (result.status === "stored") return;
      assertEquals(result, { status: "refused", reason: `agency ${agency} is closed` }, when);
      assertEquals(await heir.ledger.close(agency), { status: "closed", repeated: true }, when);
    }));
    await this.#countsAgree(heir.ledger, disk);
    const next = await openLedger(disk.process());
    await this.#countsAgree(next.ledger, disk);
    assertEquals(heir.failures, [], when);
    await heir.ledger[Symbol.asyncDispose]();
    await next.ledger[Symbol.asyncDispose]();
    this.#compare(disk, trial);
  }

  /** Judges all that a power cut now could leave. */
  async judgeAfterPowerCut(disk: MemoryDisk, when: string): Promise<void> {
    let index = 0;
    for (const left of disk.afterPowerCut()) {
      const files = [...left.nodes.keys()].map((name) => [name, left.text(name)]);
      const key = JSON.stringify([[...this.#sent], [...this.#closed], files]);
      if (judged.has(key)) continue;
      judged.add(key);
      const state = `${when}, then power cut ${index++} left ${
        JSON.stringify([left.text("bets.csv.round"), left.text("bets.csv")])
      }`;
      try {
        await this.judge(left, { powerCut: true, when: state });
      } catch (cause) {
        throw new Error(`after ${state}: ${(cause as Error).message}`, { cause });
      }
    }
  }

  #compare(disk: MemoryDisk, { powerCut = false, when = "" }: Trial): void {
    const found = new Map<string, number>();
    for (const [agency, , , document] of rowsOf(disk)) {
      const [name, index] = document.split("-");
      if (name.startsWith("heir")) continue;
      const sent = this.#sent.get(name);
      assert(sent !== undefined, `nobody sent ${document} ${when}`);
      assertEquals(agency, String(sent.agency), when);
      assertEquals(Number(index), found.get(name) ?? 0, `${document} is doubled or astray ${when}`);
      found.set(name, Number(index) + 1);
    }
    for (const [name, { fate, count }] of this.#sent) {
      const bets = found.get(name) ?? 0;
      if (fate === "stored") assertEquals(bets, count, `${name} is stored ${when}`);
      else if (fate === "refused") assertEquals(bets, 0, `${name} is refused ${when}`);
      else if (powerCut) assertLess(bets, count + 1, `${name} ${when}`);
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

/** The rows of bets.csv, which must be whole. */
export function rowsOf(disk: MemoryDisk): string[][] {
  const text = disk.text("bets.csv");
  assert(text === "" || text.endsWith("\n"), "bets.csv ends within a row");
  const rows = parse(text);
  for (const row of rows) assertEquals(row.length, 6);
  return rows;
}
