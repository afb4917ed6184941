import { parse } from "@std/csv";
import { needs } from "../../../testing/needs.ts";
import { keepLog, LOG_BYTES } from "../../testing/ledgers.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { AGENCIES, type LotteryUnderTest, testLedger, WINNING_NUMBER } from "../conformance.ts";
import type { Ledger } from "../ledger.ts";
import { type Disk, type DiskFile, FolderDisk } from "../disk.ts";
import { openFileLedger } from "./file_ledger.ts";
import { BETS_FILE, DISK_FAILURE_FILE } from "./volume_files.ts";

/** How often a server looks for a change that nobody notified it of. */
const POLL_MS = 20;

/** A lottery on files. */
class FileLottery implements LotteryUnderTest {
  readonly #newDisk: () => Disk;
  readonly #readBets: () => string;
  readonly #clearDiskFailure: () => void;
  readonly #remove: () => Promise<void>;
  readonly #ledgers: Ledger[] = [];

  constructor(options: {
    newDisk: () => Disk;
    readBets: () => string;
    clearDiskFailure: () => void;
    remove?: () => Promise<void>;
  }) {
    this.#newDisk = options.newDisk;
    this.#readBets = options.readBets;
    this.#clearDiskFailure = options.clearDiskFailure;
    this.#remove = options.remove ?? (() => Promise.resolve());
  }

  async open(disk: Disk = this.#newDisk()): Promise<Ledger> {
    const options = {
      agencies: AGENCIES,
      winningNumber: WINNING_NUMBER,
      pollMs: POLL_MS,
      logBytes: LOG_BYTES,
    };
    const ledger = await openFileLedger(disk, { ...options, log: keepLog().log });
    this.#ledgers.push(ledger);
    return ledger;
  }

  documents(agency: number): Promise<string[]> {
    const rows = parse(this.#readBets()).filter(([first]) => first === String(agency));
    return Promise.resolve(rows.map(([, , , document]) => document));
  }

  appendUnknown: LotteryUnderTest["appendUnknown"] = async (batchFor) => {
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
