import { assertEquals } from "@std/assert";
import { parse } from "@std/csv";
import { FakeTime } from "@std/testing/time";
import type { BetBatch } from "../../../shared/mod.ts";
import { needs } from "../../../testing/needs.ts";
import { keepLog, LOG_BYTES } from "../../testing/ledgers.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { MemoryHandover } from "../../testing/memory_handover.ts";
import {
  AGENCIES,
  batchOf,
  type LotteryUnderTest,
  testLedger,
  WINNING_NUMBER,
} from "../conformance.ts";
import { turnEnd } from "../courtesy.ts";
import type { Ledger } from "../ledger.ts";
import { type Disk, type DiskFile, FolderDisk } from "../disk.ts";
import { type FileLedger, openFileLedger } from "./file_ledger.ts";
import { BETS_FILE, DISK_FAILURE_FILE } from "./volume_files.ts";

/** How often a server looks for a change that nobody notified it of. */
const POLL_MS = 20;

/** A lottery on files. */
class FileLottery implements LotteryUnderTest {
  writer?: FileLedger;
  readonly #newDisk: () => Disk;
  readonly #readBets: () => string;
  readonly #clearDiskFailure: () => void;
  readonly #remove: () => Promise<void>;
  readonly #handover: MemoryHandover | undefined;
  readonly #ledgers: Ledger[] = [];

  constructor(options: {
    newDisk: () => Disk;
    readBets: () => string;
    clearDiskFailure: () => void;
    remove?: () => Promise<void>;
    /** How the servers reach the one that writes. @default {each writes for itself} */
    handover?: MemoryHandover;
  }) {
    this.#newDisk = options.newDisk;
    this.#readBets = options.readBets;
    this.#clearDiskFailure = options.clearDiskFailure;
    this.#handover = options.handover;
    this.#remove = options.remove ?? (() => Promise.resolve());
  }

  async open(disk: Disk = this.#newDisk()): Promise<FileLedger> {
    const options = {
      agencies: AGENCIES,
      winningNumber: WINNING_NUMBER,
      pollMs: POLL_MS,
      logBytes: LOG_BYTES,
      handover: this.#handover?.network(),
    };
    const ledger = await openFileLedger(disk, { ...options, log: keepLog().log });
    this.#ledgers.push(ledger);
    // It finds the server that writes before it gets a batch.
    if (this.#handover !== undefined) await turnEnd();
    return ledger;
  }

  documents(agency: number): Promise<string[]> {
    const rows = parse(this.#readBets()).filter(([first]) => first === String(agency));
    return Promise.resolve(rows.map(([, , , document]) => document));
  }

  appendUnknown: LotteryUnderTest["appendUnknown"] = async (batchFor) => {
    if (this.#handover !== undefined) return await this.#appendLost(this.#handover, batchFor);
    const disk = this.#newDisk();
    const create = disk.createUnique.bind(disk);
    let isFailing = false;
    disk.createUnique = (prefix) => {
      const { name, file } = create(prefix);
      return { name, file: failingToSync(file, () => isFailing) };
    };
    const ledger = await this.open(disk);
    isFailing = true;
    const result = await ledger.append(batchFor(ledger));
    // As an operator does who has looked at the disk.
    this.#clearDiskFailure();
    return { ledger, result };
  };

  /** The connection breaks within the outcome. */
  async #appendLost(
    handover: MemoryHandover,
    batchFor: (ledger: Ledger) => BetBatch,
  ): ReturnType<LotteryUnderTest["appendUnknown"]> {
    const ledger = await this.open();
    handover.wires.at(-1)!.breakAfter(1, "client");
    return { ledger, result: await ledger.append(batchFor(ledger)) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const ledger of this.#ledgers) await ledger[Symbol.asyncDispose]();
    await this.#remove();
  }
}

/** Makes syncs fail from some time on. */
function failingToSync(file: DiskFile, isFailing: () => boolean): DiskFile {
  const syncNow = file.syncNow.bind(file);
  const sync = () => {
    if (isFailing()) throw new Error("the disk has failed");
    syncNow();
  };
  return Object.assign(file, { syncNow: sync, sync: () => Promise.resolve().then(sync) });
}

testLedger({
  name: "file ledger in memory",
  start: () => {
    const disk = new MemoryDisk();
    const lottery = new FileLottery({
      newDisk: () => disk.process(),
      readBets: () => disk.text(BETS_FILE),
      clearDiskFailure: () => disk.remove(DISK_FAILURE_FILE),
    });
    return Promise.resolve(lottery);
  },
});

/** A lottery whose servers hand their batches to one that has none of its own. */
async function handingLottery(): Promise<FileLottery> {
  const disk = new MemoryDisk();
  const lottery = new FileLottery({
    newDisk: () => disk.process(),
    readBets: () => disk.text(BETS_FILE),
    clearDiskFailure: () => disk.remove(DISK_FAILURE_FILE),
    handover: new MemoryHandover(),
  });
  lottery.writer = await lottery.open();
  return lottery;
}

testLedger({
  name: "file ledger in memory that hands over",
  start: handingLottery,
});

Deno.test("file ledger in memory that hands over: the batches of a server are rounds of another", async () => {
  // No time passes: the writer does not make room for the busiest server.
  using _time = new FakeTime();
  await using lottery = await handingLottery();
  const ledger = await lottery.open();
  for (const name of ["a", "b", "c"]) await ledger.append(batchOf(ledger, name));
  const figuresOf = ({ figures: { rounds, batches, bets } }: Ledger) => ({ rounds, batches, bets });
  assertEquals(figuresOf(ledger), { rounds: 0, batches: 3, bets: 6 });
  assertEquals(figuresOf(lottery.writer!), { rounds: 3, batches: 0, bets: 0 });
});

testLedger({
  name: "file ledger on a real disk",
  define: (name) => needs(["read", "write"], name),
  start: async () => {
    const folder = await Deno.makeTempDir({ prefix: "lottery ledger " });
    return new FileLottery({
      newDisk: () => new FolderDisk(folder),
      readBets: () => Deno.readTextFileSync(`${folder}/${BETS_FILE}`),
      clearDiskFailure: () => Deno.removeSync(`${folder}/${DISK_FAILURE_FILE}`),
      remove: () => Deno.remove(folder, { recursive: true }),
    });
  },
});
