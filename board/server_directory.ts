/**
 * Finds the servers of the board: those listed by address, and all to which a name leads.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { isIpv4 } from "../shared/config.ts";
import { withDeadline } from "../shared/deadline.ts";
import type { StatusAddress } from "../shared/status/lottery_watch.ts";
import type { ServerEntry } from "./settings.ts";

/** A name server that takes longer must not hold up the board: the addresses stay as they were. */
const LOOKUP_MS = 400;

/** Options of {@linkcode ServerDirectory}. */
export interface DirectoryOptions {
  entries: readonly ServerEntry[];
  /** Finds the addresses of a name. Rejects if it has none. @default {that of the system} */
  resolve?: (host: string) => Promise<string[]>;
}

/** Lists the servers. A name is resolved anew each time, since servers come and go. */
export class ServerDirectory {
  readonly #entries: readonly ServerEntry[];
  readonly #resolve: (host: string) => Promise<string[]>;
  /** The addresses of each name, as last resolved. */
  readonly #resolved = new Map<string, string[]>();

  constructor({ entries, resolve = resolveHost }: DirectoryOptions) {
    this.#entries = entries;
    this.#resolve = resolve;
  }

  /** Lists the servers that there are now. Never rejects. */
  async list(): Promise<StatusAddress[]> {
    const lists = await Promise.all(this.#entries.map((entry) => this.#listEntry(entry)));
    return lists.flat();
  }

  async #listEntry({ name, host, port }: ServerEntry): Promise<StatusAddress[]> {
    if (name !== undefined) return [{ name, hostname: host, port }];
    const addresses = isIpv4(host) ? [host] : await this.#addressesOf(host);
    return addresses.map((address) => ({ name: `${address}:${port}`, hostname: address, port }));
  }

  async #addressesOf(host: string): Promise<string[]> {
    const error = () => new SlowLookupError();
    try {
      const found = await withDeadline(this.#resolve(host), { timeoutMs: LOOKUP_MS, error });
      this.#resolved.set(host, found.filter(isIpv4).sort());
    } catch (error) {
      // A name without addresses is one whose servers are all gone.
      if (!(error instanceof SlowLookupError)) this.#resolved.set(host, []);
    }
    return this.#resolved.get(host) ?? [];
  }
}

class SlowLookupError extends Error {}

async function resolveHost(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true, family: 4 });
  return found.map(({ address }) => address);
}
