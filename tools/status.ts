/**
 * `deno task status`: shows the lottery that runs, or else the one that lies on the volume.
 *
 * @module
 */

import { ServerDirectory } from "../board/server_directory.ts";
import { parseServers } from "../board/settings.ts";
import { emptyView, isAnswering, type LotteryView } from "../shared/status/lottery_view.ts";
import { LotteryWatch, type StatusAddress } from "../shared/status/lottery_watch.ts";
import { LockedError } from "./check/volume_reader.ts";
import { viewVolume } from "./check/volume_view.ts";
import { runCommand, UsageError } from "./command.ts";
import { JSON_FLAG, printJson } from "./json_reports.ts";
import { NODES_FOLDER } from "./nodes/nodes.ts";
import { SHARED_VOLUME, TASK, TaskError, unlessNotFound } from "./project.ts";
import { panelLines } from "./run/panel.ts";
import { readRunRecord, RunLock } from "./run/run_lock.ts";
import { Screen } from "./run/screen.ts";
import { findServers } from "./run/status_addresses.ts";
import { viewStreams } from "./streams/streams_view.ts";
import {
  isOnStreams,
  isReachable,
  readToolLedger,
  type ToolLedger,
  withStreams,
} from "./streams/tool_ledger.ts";

const USAGE =
  `Shows the lottery that runs: every agency with its bets, and every server. If none runs, shows the bets and
closed agencies that are stored: on the volume, or in streams of JetStream, whose nodes it starts if need be.

Usage: ${TASK} status [--watch] [--json] [--servers LIST]

  --watch    show it again every second, until Ctrl-C
  --json     print it as JSON, one object a line: docs/json.md describes it
  --servers  the status ports of servers that up has not started: HOST:PORT or NAME=HOST:PORT, separated by
             commas; of a host name every address is a server
  --help     show this text

Colors are used on a terminal only, and not if NO_COLOR is set.

Exit code:
  0  servers answer, or none is expected to
  1  a server that should run does not answer, or what is stored cannot be read`;

/** Rates need two looks; the first one follows the other so soon. */
const FIRST_RATE_MS = 500;
const WATCH_MS = 1000;

interface StatusFlags {
  watch: boolean;
  json: boolean;
  servers?: string;
}

async function run({ watch: isWatching, json, servers }: StatusFlags): Promise<number> {
  const watch = servers === undefined
    ? new LotteryWatch({
      addresses: () => findServers(),
      betsExpected: (await readRunRecord()).betsExpected,
    })
    : new LotteryWatch({ addresses: listing(servers) });
  const stored = new StoredLedger();
  const screen = new Screen();
  let view = await look(watch, stored);
  // A list that is printed once shows rates, too.
  if (view.source === "servers" && !isWatching) {
    await pause(FIRST_RATE_MS);
    view = await look(watch, stored);
  }
  for (;;) {
    if (json) printJson({ type: "status", ...view });
    else screen.show((options) => panelLines(view, options), { isRepeated: isWatching });
    if (!isWatching) return view.source !== "servers" || view.servers.every(isAnswering) ? 0 : 1;
    await pause(WATCH_MS);
    view = await look(watch, stored);
  }
}

/** Returns what lists the servers of the flag. @throws {UsageError} If it is no list of status ports. */
function listing(servers: string): () => Promise<StatusAddress[]> {
  const entries = parseServers(servers, (fault) => {
    throw new UsageError(`--servers has ${fault}`);
  });
  const directory = new ServerDirectory({ entries });
  return () => directory.list();
}

/** Looks at the servers; at what is stored if there are none. */
async function look(watch: LotteryWatch, stored: StoredLedger): Promise<LotteryView> {
  const view = await watch.look();
  const { servers } = view;
  if (servers.some(({ state }) => state !== "gone")) return view;
  try {
    return { ...await stored.view(), servers };
  } catch (error) {
    if (error instanceof LockedError) throw new TaskError(error.message);
    throw error;
  }
}

/** The ledger that the settings name. */
class StoredLedger {
  /** What the nodes held that were started to read it: they are not started for each look. */
  #still: LotteryView | undefined;

  /** Reads it. */
  async view(): Promise<LotteryView> {
    const ledger = ledgerOfSettings();
    if (ledger === undefined || !isOnStreams(ledger)) {
      return await viewVolume(SHARED_VOLUME, ledger?.server.agencies ?? 0);
    }
    if (await isReachable(ledger)) {
      this.#still = undefined;
      return await withStreams(ledger, viewStreams);
    }
    // What is about to start its nodes holds the lock.
    const isEmpty = await unlessNotFound(Deno.stat(NODES_FOLDER)) === undefined;
    if (isEmpty || await RunLock.isHeld()) return emptyView("nothing");
    return this.#still ??= await withStreams(ledger, viewStreams);
  }
}

/** Returns the ledger; nothing if the settings of the server are invalid: the volume may hold what they do not say. */
function ledgerOfSettings(): ToolLedger | undefined {
  try {
    return readToolLedger({ action: "show the ledger" });
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

function pause(timeMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, timeMs));
}

if (import.meta.main) {
  const options = {
    watch: { type: "boolean", default: false },
    servers: { type: "string" },
    ...JSON_FLAG,
  } as const;
  Deno.exit(await runCommand({ usage: USAGE, options, run }));
}
