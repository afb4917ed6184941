/**
 * What it costs that a server is watched: its status port, and a board with a page open that asks it.
 *
 * @module
 */

import { startBoard } from "../testing/boards.ts";
import type { Program } from "../testing/program.ts";
import { ServerGroup } from "../testing/servers.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import type { Context } from "./context.ts";
import { MAIN_CASE } from "./intake.ts";
import { AGENCIES } from "./prepared_volume.ts";
import { type Spread, spreadOf, spreadOfKnown } from "./spread.ts";
import { startLottery, type System } from "./systems.ts";
import { takeTurn, type Turn, underLoad } from "./turns.ts";

/** The cost is a small difference, so that it takes many turns to see it. */
const RUNS_FACTOR = 4;

/** The load of the server. */
export interface WatchedCase {
  connections: number;
}

/** The figures of a server that is watched. */
export interface WatchedFigures extends WatchedCase {
  betsPerSecond: Spread;
  /** Its speed divided by that of a server without a status port, turn by turn. */
  ratio: Spread;
  /** Its processor time for a million bets, divided by the other's; undefined where it is unknown. */
  cpuRatio?: Spread;
  /** The share of a processor that the board takes; undefined where it is unknown. */
  boardCpu?: number;
}

/** Measures turns of a server that nobody watches, and of one that is watched. */
export async function measureWatched(
  { folder, thread, pace }: Context,
  { connections }: WatchedCase,
): Promise<WatchedFigures> {
  await using stack = new AsyncDisposableStack();
  const agencies = AGENCIES + connections;
  const { path: alone } = stack.use(tempFolder(folder));
  const { path: seen } = stack.use(tempFolder(folder));
  const plain = stack.use(await startLottery({ servers: 1, agencies, volume: alone }));
  const group = stack.use(
    await ServerGroup.start({ servers: 1, agencies, volume: seen, hasStatus: true }),
  );
  const [server] = group.servers;
  const board = stack.use(await startBoard({ servers: `server1=127.0.0.1:${server.statusPort}` }));
  stack.use(await openPage(board.url));
  const watched: System = {
    processes: group.processes,
    ports: [server.port],
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const load = { ...MAIN_CASE, connections, firstAgency: AGENCIES + 1 };
  const [plainLoad, watchedLoad] = [plain, watched].map((system) =>
    underLoad(thread, system, load)
  );
  const turns: { plain: Turn; watched: Turn }[] = [];
  const watchers = [server.process, board.program];
  let [boardSeconds, watchedSeconds] = [0, 0];
  for (let run = -1; run < RUNS_FACTOR * pace.runs; run++) {
    const seconds = run < 0 ? pace.warmSeconds : pace.seconds;
    signal(watchers, "SIGSTOP");
    const other = await takeTurn(plainLoad, seconds);
    signal(watchers, "SIGCONT");
    const [before, startMs] = [board.program.cpuSeconds() ?? NaN, performance.now()];
    const ours = await takeTurn(watchedLoad, seconds);
    if (run < 0) continue;
    turns.push({ plain: other, watched: ours });
    boardSeconds += (board.program.cpuSeconds() ?? NaN) - before;
    watchedSeconds += (performance.now() - startMs) / 1000;
  }
  return {
    connections,
    betsPerSecond: spreadOf(turns.map((turn) => turn.watched.betsPerSecond)),
    ratio: spreadOf(turns.map((turn) => turn.watched.betsPerSecond / turn.plain.betsPerSecond)),
    cpuRatio: spreadOfKnown(turns.map(({ plain, watched }) => {
      const [one, other] = [watched.cpuSecondsPerMillion, plain.cpuSecondsPerMillion];
      return one === undefined || other === undefined ? undefined : one / other;
    })),
    boardCpu: Number.isNaN(boardSeconds) ? undefined : boardSeconds / watchedSeconds,
  };
}

function signal(programs: readonly Program[], name: Deno.Signal): void {
  for (const program of programs) program.signal(name);
}

/** Opens the stream of a board as a page does, waits for its first event, and reads the others. */
async function openPage(url: string): Promise<AsyncDisposable> {
  const controller = new AbortController();
  const { body } = await fetch(`${url}/events`, { signal: controller.signal });
  const reader = body!.getReader();
  await reader.read();
  (async () => {
    while (!(await reader.read()).done);
  })().catch(() => {});
  return {
    [Symbol.asyncDispose]: () => {
      // Not all pending reads end with it: with a hundred agencies the last one did not.
      controller.abort();
      return Promise.resolve();
    },
  };
}
