/**
 * A disk that fails to sync. The server must refuse what waits, report the failure and exit with
 * code 1: the next sync would succeed although the bets are lost.
 *
 * The memory disk proves what the ledger answers. Only this run has the error come from a real
 * fdatasync (by strace), and sees that the process ends.
 *
 * @module
 */

import type { Fault } from "../fault.ts";
import { Lottery } from "../lottery.ts";
import { DISK_FAILURE_FILE } from "../../../server/ledger/file/volume_files.ts";
import { Program } from "../../../testing/program.ts";
import type { RunOptions, Verdict } from "../verdict.ts";

const SERVERS = 2;
const AGENCIES = 3;
const BATCHES = 20;
/** Longest time that a server may take to exit once all batches are acknowledged elsewhere. */
const EXIT_MS_MAX = 2000;

/** Makes fdatasync fail with EIO in one server, `count` times. */
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
  // strace counts calls per thread, and a sync may run in any thread: no count could choose the
  // moment. So strace attaches at the chosen moment instead.
  lottery.grant(BATCHES);
  await lottery.acknowledged(random.integer(1, AGENCIES * BATCHES));
  const failing = ["-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO"];
  await using strace = new Program({
    name: "strace",
    command: "strace",
    args: ["-f", ...failing, "-p", String(victim.pid)],
  });
  await strace.line(/attached/);
  lottery.grant(BATCHES);
  // The agencies continue with the other server.
  await lottery.acknowledged(AGENCIES * BATCHES);
  const badExit = await findBadExit(victim);
  if (badExit !== undefined) return [{ kind: "bad exit", detail: badExit }];
  // An operator looks at the disk and clears the note: until then no server starts.
  await Deno.remove(`${cluster.volume}/${DISK_FAILURE_FILE}`);
  return await lottery.finish();
}

/** Returns what is wrong with the exit of a server whose disk failed to sync, if anything is. */
async function findBadExit(victim: Program): Promise<string | undefined> {
  const code = await victim.ended(EXIT_MS_MAX).catch(() => undefined);
  if (code === undefined) return "the server continues although its disk has failed to sync";
  if (code !== 1) return `the server exited with ${code}:\n${victim.tail()}`;
  if (victim.count(/CRITICAL .*failed to sync/) === 0) {
    return `the server does not say why it exited:\n${victim.tail()}`;
  }
}
