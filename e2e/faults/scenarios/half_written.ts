/**
 * The power goes when the disk has got a half of a write: another server's sync, or the system itself, took
 * it there. Of a batch that was never acknowledged, a beginning is left then; the agency is told so, and goes
 * on behind it. Or the new size of the file is left, and zeros in the place of the rows.
 *
 * @module
 */

import { countCutBatches, type Fault } from "../checker.ts";
import { LoopDisk } from "../loop_disk.ts";
import { Lottery } from "../lottery.ts";
import type { RunOptions, Verdict } from "../verdict.ts";

const SERVERS = 2;
const AGENCIES = 2;
const BATCHES = 8;
const DISK_MEGABYTES = 24;
/** So few that a round fits into a block of the disk that is there already. */
const BATCH_BETS_FEW = 4;
/** Rounds before the one that is written half: the first is that of an empty file. */
const ROUND_FIRST = 2;
const ROUND_LAST = 6;

/** What {@linkcode halfWritten} takes beside what all runs take. */
export interface HalfWrittenOptions extends RunOptions {
  /** Whether the checker is told of the power cut. @default {true} */
  isCutTold?: boolean;
}

/** What the disk has got of a round when the power goes. */
interface Half {
  /** Where the server stops. */
  moment: "mid-write" | "after-write";
  /** The files that are synced then. To sync one makes the sizes of all last, though not their bytes. */
  synced: readonly string[];
  batchBetsMax?: number;
}

const HALVES: readonly Half[] = [
  { moment: "mid-write", synced: ["bets.csv"] },
  { moment: "mid-write", synced: ["bets.csv", "bets.csv.round"] },
  { moment: "after-write", synced: ["other"], batchBetsMax: BATCH_BETS_FEW },
  { moment: "after-write", synced: ["other", "bets.csv.round"], batchBetsMax: BATCH_BETS_FEW },
];

/** Cuts the power `count` times, behind each half in turn. */
export async function halfWritten(options: HalfWrittenOptions): Promise<Verdict> {
  const faults: Fault[] = [];
  let [inPart, zeros] = [0, 0];
  for (let cut = 0; cut < options.count; cut++) {
    const half = HALVES[cut % HALVES.length];
    const outcome = await cutBehind(half, { ...options, seed: options.seed + cut });
    faults.push(...outcome.faults);
    inPart += outcome.inPart;
    zeros += outcome.zeros;
  }
  if (inPart === 0 && faults.length === 0) {
    faults.push({ kind: "unfinished", detail: "no batch was left in part: the run tests nothing" });
  }
  const figures = { power_cuts: options.count, batches_left_in_part: inPart, zeros_cut_off: zeros };
  return { faults, figures };
}

async function cutBehind(
  { moment, synced, batchBetsMax }: Half,
  { seed, unsafe, isCutTold = true }: HalfWrittenOptions,
) {
  await using disk = new LoopDisk(DISK_MEGABYTES);
  const round = ROUND_FIRST + seed % (ROUND_LAST - ROUND_FIRST + 1);
  await using lottery = await Lottery.start({
    seed,
    servers: SERVERS,
    agencies: AGENCIES,
    batchBetsMax,
    volume: disk.path,
    faults: [`stop-${moment}:${round}`],
    unsafe,
    address: ({ servers }) => servers[0].address,
  });
  const { cluster } = lottery;
  lottery.grant(BATCHES);
  await cluster.servers[0].process.line(/action: stop \| result: success/);
  for (const name of synced) syncFile(`${cluster.volume}/${name}`);
  await lottery.cutPower(disk, { isRecorded: isCutTold });
  lottery.grant(BATCHES);
  await lottery.acknowledged(AGENCIES * BATCHES);
  return {
    faults: await lottery.finish(),
    inPart: countCutBatches(lottery.evidence()),
    zeros: cluster.countLines(/action: repair .* begins: zeros/),
  };
}

/** Makes what is in a file last, and before that the file itself, if it is not there. */
function syncFile(path: string): void {
  using file = Deno.openSync(path, { write: true, create: true });
  file.syncSync();
}
