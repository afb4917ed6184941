/**
 * The power goes in the middle of a write of which the disk has got the first half: another server's sync,
 * or the system itself, took it there. Of a batch that was never acknowledged, a beginning is left then; the
 * agency is told so, and goes on behind it.
 *
 * @module
 */

import { countCutBatches } from "../checker.ts";
import { LoopDisk } from "../loop_disk.ts";
import { Lottery } from "../lottery.ts";
import type { RunOptions, Verdict } from "../verdict.ts";

const SERVERS = 2;
const AGENCIES = 2;
const BATCHES = 8;
const DISK_MEGABYTES = 24;
/** Rounds before the one that is written half: the first is that of an empty file. */
const ROUND_FIRST = 2;
const ROUND_LAST = 6;

/** What {@linkcode halfWritten} takes beside what all runs take. */
export interface HalfWrittenOptions extends RunOptions {
  /** Whether the checker is told of the power cut. @default {true} */
  isCutTold?: boolean;
}

/**
 * Cuts the power within a write, `count` times. In turn, the disk has got the line of the journal as well,
 * and nothing of the batch may be left; or it has not.
 */
export async function halfWritten(options: HalfWrittenOptions): Promise<Verdict> {
  const verdict: Verdict = { faults: [], figures: {} };
  let inPart = 0;
  for (let cut = 0; cut < options.count; cut++) {
    const hasJournal = cut % 2 === 1;
    const outcome = await cutWithinWrite({ ...options, seed: options.seed + cut, hasJournal });
    verdict.faults.push(...outcome.faults);
    inPart += outcome.inPart;
  }
  if (inPart === 0 && verdict.faults.length === 0) {
    const detail = "no batch was left in part: the run tests nothing";
    verdict.faults.push({ kind: "unfinished", detail });
  }
  verdict.figures = { power_cuts: options.count, batches_left_in_part: inPart };
  return verdict;
}

async function cutWithinWrite(
  { seed, unsafe, isCutTold = true, hasJournal }: HalfWrittenOptions & { hasJournal: boolean },
) {
  await using disk = new LoopDisk(DISK_MEGABYTES);
  const round = ROUND_FIRST + seed % (ROUND_LAST - ROUND_FIRST + 1);
  await using lottery = await Lottery.start({
    seed,
    servers: SERVERS,
    agencies: AGENCIES,
    volume: disk.path,
    faults: [`stop-mid-write:${round}`],
    unsafe,
    address: ({ servers }) => servers[0].address,
  });
  const { cluster } = lottery;
  lottery.grant(BATCHES);
  await cluster.servers[0].process.line(/action: stop .*mid-write/);
  for (const name of ["bets.csv", ...hasJournal ? ["bets.csv.round"] : []]) {
    using file = Deno.openSync(`${cluster.volume}/${name}`, { write: true });
    file.syncDataSync();
  }
  await lottery.cutPower(disk, { isTold: isCutTold });
  lottery.grant(BATCHES);
  await lottery.acknowledged(AGENCIES * BATCHES);
  const faults = await lottery.finish();
  return { faults, inPart: countCutBatches(lottery.evidence()) };
}
