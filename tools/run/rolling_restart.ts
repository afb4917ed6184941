/**
 * Restarts the servers of a lottery one after another while agencies send bets: the others serve meanwhile, and
 * agencies reconnect.
 *
 * @module
 */

import { askStatus, type StatusAddress } from "../../shared/status/lottery_watch.ts";
import { TaskError } from "../project.ts";

/** Asks `up` to restart its servers. Deno has a use of its own for SIGUSR1. */
export const RESTART_SIGNAL = "SIGUSR2";

/** How long a server may take until it is ready again; it may have much to read. */
const READY_MS = 120_000;
const POLL_MS = 50;

/** A server that can be restarted. */
export interface RestartableService extends StatusAddress {
  /** Stops and starts it. Returns whether it did: one that has failed for good is left alone. */
  restart(): Promise<boolean>;
  /** Where its status is after the restart. @default {where it was} */
  address?(): Promise<StatusAddress>;
}

/**
 * Restarts servers in turn: the next one only when the last one is ready.
 *
 * @param say Called with the name of a server and what has happened to it.
 * @throws {TaskError} If a server does not become ready. The servers after it are left alone.
 */
export async function restartInTurn(
  servers: readonly RestartableService[],
  say: (name: string, text: string) => void,
): Promise<void> {
  for (const server of servers) {
    const { name } = server;
    const startMs = performance.now();
    if (!await server.restart()) {
      say(name, `${name} is left alone: it has failed, or the run is about to end`);
      continue;
    }
    await untilReady(server);
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    say(name, `${name} was restarted, and is ready after ${seconds} s`);
  }
}

async function untilReady(server: RestartableService): Promise<void> {
  const startMs = performance.now();
  let reason = "it does not answer";
  while (performance.now() - startMs < READY_MS) {
    try {
      const address = await server.address?.() ?? server;
      const { server: { ready, reason: why, state } } = await askStatus(address);
      if (ready) return;
      reason = why ?? state;
    } catch {
      reason = "it does not answer";
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new TaskError(
    `${server.name} is not ready ${
      READY_MS / 1000
    } s after its restart: ${reason}. The servers after ` +
      "it were not restarted",
  );
}

/** Calls `restart` on each request to restart, until it is disposed of. Requests during a restart are dropped. */
export function onRestartSignal(restart: () => Promise<void>): Disposable {
  if (Deno.build.os === "windows") return { [Symbol.dispose]() {} };
  let restarting: Promise<void> | undefined;
  const handle = () => {
    restarting ??= restart().finally(() => restarting = undefined);
  };
  Deno.addSignalListener(RESTART_SIGNAL, handle);
  return { [Symbol.dispose]: () => Deno.removeSignalListener(RESTART_SIGNAL, handle) };
}
