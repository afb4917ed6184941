/**
 * What a writer can leave behind that died in the middle, planted in the files.
 *
 * @module
 */

import type { Fault } from "../checker.ts";
import { Lottery } from "../lottery.ts";
import { rowOf } from "../made_bets.ts";
import type { RunOptions, Verdict } from "../verdict.ts";

const AGENCIES = 2;
const BATCHES = 4;
/** A bet that is not sent in so short a run. */
const UNSENT_INDEX = 99_999;
const TORN_BYTES = 18;
/**
 * Blocks of zeros are what some file systems bring back after a power cut. They are more than what is
 * written next, so that nothing hides them.
 */
const ZEROS = 256 * 1024;

/** One kind of damage. */
interface Damage {
  name: string;
  plant: (lottery: Lottery) => void;
}

const DAMAGES: readonly Damage[] = [
  { name: "torn row", plant: plantTornRow },
  { name: "torn row, no journal", plant: plantTornRowWithoutJournal },
  { name: "torn row, torn journal", plant: plantTornRowAndJournal },
  { name: "zeros behind the rows", plant: plantZeros },
  { name: "torn line in agencies_closed.txt", plant: plantTornClose },
];

/** Plants one damage after the other; in turn, all servers are dead then, or all but one. */
export async function tornTails({ seed, count, unsafe }: RunOptions): Promise<Verdict> {
  const faults: Fault[] = [];
  let repairs = 0;
  for (let tear = 0; tear < count; tear++) {
    const damage = DAMAGES[tear % DAMAGES.length];
    const survivors = Math.floor(tear / DAMAGES.length) % 2;
    const outcome = await tearOnce(damage, { seed: seed + tear, survivors, unsafe });
    repairs += outcome.repairs;
    for (const { kind, detail } of outcome.faults) {
      faults.push({ kind, detail: `${damage.name}: ${detail}` });
    }
  }
  return { faults, figures: { tears: count, repairs } };
}

async function tearOnce(
  damage: Damage,
  { seed, survivors, unsafe }: { seed: number; survivors: number; unsafe?: readonly string[] },
) {
  const options = { seed, servers: 2, agencies: AGENCIES, batchBetsMax: 20, unsafe };
  await using lottery = await Lottery.start(options);
  const { cluster } = lottery;
  lottery.grant(BATCHES);
  await lottery.acknowledged(AGENCIES * BATCHES);
  // All is acknowledged, and nothing is under way.
  for (const server of cluster.servers.slice(survivors)) await server.process.kill();
  damage.plant(lottery);
  await cluster.startAll();
  lottery.grant(BATCHES);
  await lottery.acknowledged(AGENCIES * BATCHES);
  const faults = await lottery.finish();
  return { faults, repairs: cluster.countLines(/action: repair \| result: success/) };
}

/** The beginning of a row that nobody was told of. */
function plantTornRow(lottery: Lottery): void {
  appendTo(lottery, "bets.csv", rowOf(1, UNSENT_INDEX).slice(0, -TORN_BYTES));
}

function plantTornRowWithoutJournal(lottery: Lottery): void {
  plantTornRow(lottery);
  Deno.removeSync(journalPath(lottery));
}

function plantTornRowAndJournal(lottery: Lottery): void {
  plantTornRow(lottery);
  Deno.truncateSync(journalPath(lottery), TORN_BYTES);
}

function plantZeros(lottery: Lottery): void {
  appendTo(lottery, "bets.csv", "\0".repeat(ZEROS));
}

function plantTornClose(lottery: Lottery): void {
  appendTo(lottery, "agencies_closed.txt", "1");
}

function journalPath(lottery: Lottery): string {
  return `${lottery.cluster.volume}/bets.csv.round`;
}

function appendTo(lottery: Lottery, name: string, text: string): void {
  Deno.writeTextFileSync(`${lottery.cluster.volume}/${name}`, text, { append: true });
}
