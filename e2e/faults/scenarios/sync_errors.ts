/**
 * A disk that fails to sync. The server must refuse what waits, say so, and end: the next sync would
 * succeed although the bets are lost.
 *
 * @module
 */

import type { Fault } from "../checker.ts";
import { within } from "../counter.ts";
import { Lottery } from "../lottery.ts";
import { Supervised } from "../supervisor.ts";
import type { RunOptions, Verdict } from "../verdict.ts";

const SERVERS = 2;
const AGENCIES = 3;
const BATCHES = 20;
/** How long a server may take to end once all is acknowledged. */
const END_PATIENCE_MS = 2000;

/** Lets fdatasync fail with EIO in one server, `count` times. */
export async function syncErrors({ seed, count, unsafe }: RunOptions): Promise<Verdict> {
  const faults: Fault[] = [];
  for (let run = 0; run < count; run++) {
    faults.push(...await failSync({ seed: seed + run, count, unsafe }));
  }
  return { faults, figures: { failed_syncs: count } };
}

async function failSync({ seed, unsafe }: RunOptions): Promise<Fault[]> {
  await using lottery = await Lottery.start({
    seed,
    servers: SERVERS,
    agencies: AGENCIES,
    unsafe,
    address: ({ servers }) => servers[servers[0].process.isRunning ? 0 : 1].address,
  });
  const { cluster, random } = lottery;
  const [{ process: victim }] = cluster.servers;
  // Syncs happen in any thread, and strace counts for each apart: it starts when the time has come.
  lottery.grant(BATCHES);
  await lottery.acknowledged(random.integer(1, AGENCIES * BATCHES));
  const failing = ["-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO"];
  await using strace = new Supervised("strace", {
    args: ["-f", ...failing, "-p", String(victim.pid)],
  });
  await strace.line(/attached/);
  lottery.grant(BATCHES);
  // The agencies go on with the other server.
  await lottery.acknowledged(AGENCIES * BATCHES);
  const badEnd = await findBadEnd(victim);
  const faults = await lottery.finish();
  return badEnd === undefined ? faults : [...faults, { kind: "bad end", detail: badEnd }];
}

/** What is wrong with the end of a server whose disk has failed. */
async function findBadEnd(victim: Supervised): Promise<string | undefined> {
  const status = await within(victim.ended, END_PATIENCE_MS);
  if (status === undefined) return "the server goes on although its disk has failed to sync";
  if (status.code !== 1) return `the server ended with ${status.code}:\n${victim.tail()}`;
  if (victim.count(/CRITICAL .*failed to sync/) === 0) {
    return `the server does not say why it ended:\n${victim.tail()}`;
  }
}
