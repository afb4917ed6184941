/**
 * The power fails while the disk holds part of a write, because another server's sync or the kernel
 * flushed it: a prefix of a batch, or the file's new size with zeros in place of the rows, or later pages with a
 * hole of zeros before them. The redo logs know what was acknowledged: every batch is whole or absent.
 *
 * The memory disk tries every state that its model of a disk allows. Only this run shows the states
 * of a real file system; the zeros were found here first.
 *
 * @module
 */

import { parseJournal } from "../../../server/ledger/file/round_journal.ts";
import { BETS_FILE, JOURNAL_FILE } from "../../../server/ledger/file/volume_files.ts";
import { mustRun } from "../commands.ts";
import type { Fault } from "../fault.ts";
import { LoopDisk } from "../loop_disk.ts";
import { Lottery } from "../lottery.ts";
import type { RunOptions, Verdict } from "../verdict.ts";

const SERVERS = 2;
const AGENCIES = 2;
const BATCHES = 8;
const DISK_MEGABYTES = 64;
/** Few enough that a round fits into a block that the file already has. */
const BATCH_BETS_FEW = { batchBetsMax: 4 };
/** So many that every round reaches into a second page, at least. */
const BATCH_BETS_MANY = { batchBetsMin: 200, batchBetsMax: 400 };
/** The rounds that may be torn. The first one is not: the file is empty before it. */
const ROUND_FIRST = 2;
const ROUND_LAST = 6;

/** What the disk holds of a round when the power fails. */
interface Half {
  /** Where the server stops. */
  moment: "mid-write" | "after-write" | "after-record";
  /** Files that are synced then. Syncing one flushes the sizes of all, but not the contents. */
  synced: readonly string[];
  batchBetsMin?: number;
  batchBetsMax?: number;
  /** Flushes the round's pages except the first, so that a hole is left. @default {false} */
  leavesHole?: boolean;
}

const HALVES: readonly Half[] = [
  { moment: "mid-write", synced: ["bets.csv"] },
  { moment: "mid-write", synced: ["bets.csv", "bets.csv.round"] },
  { moment: "after-write", synced: ["other"], ...BATCH_BETS_FEW },
  { moment: "after-record", synced: ["other"], ...BATCH_BETS_FEW },
  { moment: "after-write", synced: ["other"], ...BATCH_BETS_MANY, leavesHole: true },
  { moment: "after-record", synced: ["bets.csv"] },
];

/** Flushes pages of a file, and nothing else: neither its size nor any other page. */
const FLUSH_PAGES = `
import ctypes, os, sys
path, start, end = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
libc = ctypes.CDLL(None, use_errno=True)
off64 = ctypes.c_int64
fd = os.open(path, os.O_RDWR)
WAIT_BEFORE_WRITE_WAIT_AFTER = 7
if libc.sync_file_range(fd, off64(start), off64(end - start), WAIT_BEFORE_WRITE_WAIT_AFTER) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))
`;
const PAGE_BYTES = 4096;

/** Cuts the power `count` times, after each kind of half in turn. */
export async function halfWritten(options: RunOptions): Promise<Verdict> {
  const faults: Fault[] = [];
  let [restored, leftOut] = [0, 0];
  for (let cut = 0; cut < options.count; cut++) {
    const half = HALVES[cut % HALVES.length];
    const outcome = await cutAfter(half, { ...options, seed: options.seed + cut });
    faults.push(...outcome.faults);
    restored += outcome.restored;
    leftOut += outcome.leftOut;
  }
  const isTested = restored > 0 && leftOut > 0;
  if (!isTested && options.count >= HALVES.length && faults.length === 0) {
    faults.push({
      kind: "unfinished",
      detail: "nothing was restored or left out: the run tests nothing",
    });
  }
  const figures = { power_cuts: options.count, ends_restored: restored, ends_left_out: leftOut };
  return { faults, figures };
}

async function cutAfter(
  { moment, synced, leavesHole = false, ...batchBets }: Half,
  { seed, unsafe }: RunOptions,
) {
  await using disk = new LoopDisk(DISK_MEGABYTES);
  const round = ROUND_FIRST + seed % (ROUND_LAST - ROUND_FIRST + 1);
  await using lottery = await Lottery.start({
    seed,
    servers: SERVERS,
    agencies: AGENCIES,
    ...batchBets,
    volume: disk.path,
    faults: [`stop-${moment}:${round}`],
    unsafe,
    address: ({ servers }) => servers[0].address,
  });
  const { cluster } = lottery;
  lottery.grant(BATCHES);
  await cluster.servers[0].process.line(/action: stop \| result: success/);
  if (leavesHole) flushLaterPages(cluster.volume);
  for (const name of synced) syncFile(`${cluster.volume}/${name}`);
  await lottery.cutPower(disk);
  lottery.grant(BATCHES);
  await lottery.acknowledged(AGENCIES * BATCHES);
  return {
    faults: await lottery.finish(),
    restored: cluster.countLines(/action: repair .*the redo logs had them/),
    leftOut: cluster.countLines(/action: repair .*no redo log holds/),
  };
}

/** Flushes the pages of the announced round, except the one in which it begins. */
function flushLaterPages(volume: string): void {
  const { round } = parseJournal(Deno.readFileSync(`${volume}/${JOURNAL_FILE}`));
  if (round === undefined) throw new Error("The journal announces no round");
  const start = PAGE_BYTES * (Math.floor(round.from / PAGE_BYTES) + 1);
  const bets = `${volume}/${BETS_FILE}`;
  mustRun("python3", ["-c", FLUSH_PAGES, bets, String(start), String(round.to)]);
}

/** Flushes a file to stable storage, creating it if it does not exist. */
function syncFile(path: string): void {
  using file = Deno.openSync(path, { write: true, create: true });
  file.syncSync();
}
