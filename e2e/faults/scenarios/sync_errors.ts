/**
 * A disk that fails. What it fails to write, the server must refuse, and live on. When it fails to sync, the
 * server must refuse what waits, say so, and end: the next sync would succeed although the bets are lost.
 *
 * @module
 */

import type { Fault } from "../checker.ts";
import { Lottery } from "../lottery.ts";
import { Program } from "../../../testing/program.ts";
import type { RunOptions, Verdict } from "../verdict.ts";

const SERVERS = 2;
const AGENCIES = 3;
const BATCHES = 20;
/** Writes to bets.csv that fail, one after the other. */
const WRITES_FAILING = 3;
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
  await using strace = new Program({
    name: "strace",
    command: "strace",
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

/** Lets some writes to bets.csv fail with EIO in one server, `count` times. */
export async function writeErrors({ seed, count, unsafe }: RunOptions): Promise<Verdict> {
  const faults: Fault[] = [];
  let refused = 0;
  for (let run = 0; run < count; run++) {
    const outcome = await failWrites({ seed: seed + run, count, unsafe });
    faults.push(...outcome.faults);
    refused += outcome.refused;
  }
  if (refused === 0 && faults.length === 0) {
    faults.push({ kind: "unfinished", detail: "no batch was refused: the run tests nothing" });
  }
  return { faults, figures: { disks: count, batches_refused: refused } };
}

async function failWrites({ seed, unsafe }: RunOptions) {
  await using lottery = await Lottery.start({ seed, servers: 1, agencies: AGENCIES, unsafe });
  const { cluster: { servers: [{ process }], volume }, history, random } = lottery;
  lottery.grant(BATCHES);
  await lottery.acknowledged(random.integer(1, AGENCIES * BATCHES));
  const failing = ["-e", "trace=write", "-e", `inject=write:error=EIO:when=1..${WRITES_FAILING}`];
  await using strace = new Program({
    name: "strace",
    command: "strace",
    args: ["-f", ...failing, "-P", `${volume}/bets.csv`, "-p", String(process.pid)],
  });
  await strace.line(/attached/);
  lottery.grant(BATCHES);
  await lottery.acknowledged(AGENCIES * BATCHES);
  const refused = history.refused.value;
  const faults = await lottery.finish();
  if (process.isRunning) return { faults, refused };
  const detail = `the server ended on a failed write:\n${process.tail()}`;
  return { faults: [...faults, { kind: "bad end", detail } as const], refused };
}

/** What is wrong with the end of a server whose disk has failed. */
async function findBadEnd(victim: Program): Promise<string | undefined> {
  const code = await victim.ended(END_PATIENCE_MS).catch(() => undefined);
  if (code === undefined) return "the server goes on although its disk has failed to sync";
  if (code !== 1) return `the server ended with ${code}:\n${victim.tail()}`;
  if (victim.count(/CRITICAL .*failed to sync/) === 0) {
    return `the server does not say why it ended:\n${victim.tail()}`;
  }
}
