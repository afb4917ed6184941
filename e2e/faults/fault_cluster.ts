/**
 * Servers for fault runs: their files can fail on purpose, and the number of their open files can
 * be limited.
 *
 * @module
 */

import type { Hosts } from "../../testing/hosts.ts";
import type { NatsCluster } from "../../testing/nats_cluster.ts";
import type { Address } from "../../testing/ports.ts";
import { readDraw } from "../../testing/stream_reader.ts";
import type { Program, ProgramOptions } from "../../testing/program.ts";
import type { Evidence } from "./checker.ts";
import { filesOf } from "./stored_streams.ts";
import { type LedgerNodes, ServerGroup, type ServerStart } from "../../testing/servers.ts";

/** Options of {@linkcode FaultCluster}. */
export interface FaultClusterOptions {
  servers: number;
  agencies: number;
  /** The shared folder. @default {a new one, removed at the end} */
  volume?: string;
  /** A cluster that keeps the ledger instead of the shared folder. @default {none} */
  nodes?: NatsCluster;
  /** Where the server with this index reaches the nodes. @default {where they are} */
  reach?: (nodes: NatsCluster, index: number) => Address[];
  /** Hosts, of which each server has one. @default {this machine} */
  hosts?: Hosts;
  /** Whether all servers listen on one port; otherwise each has its own. @default {false} */
  sharedPort?: boolean;
  /** LOTTERY_FAULTS for the first start of each server, in order; see preload.ts. */
  faults?: readonly string[];
  /** Protections that are off in every server, at every start; see preload.ts. */
  unsafe?: readonly string[];
  /** More settings. */
  env?: Record<string, string>;
  /** How many files each server may open (`ulimit -n`). @default {the limit of this process} */
  openFilesMax?: number;
}

/** LEDGER_NAME unless it is set. */
const LEDGER_NAME = "lottery";

/** Servers on one ledger. */
export class FaultCluster extends ServerGroup {
  readonly #nodes: NatsCluster | undefined;
  readonly #ledgerName: string;

  constructor(options: FaultClusterOptions) {
    const { sharedPort = false, nodes, hosts } = options;
    super({
      ...options,
      sharedPort,
      nodes: nodes && ((index) => ledgerNodes(nodes, options.reach?.(nodes, index))),
      hostnames: hosts?.hosts.map(({ clientsIp }) => clientsIp),
      adapt: (program, start) => {
        const adapted = limitFiles(breakFiles(program, start, options), options);
        return hosts === undefined ? adapted : hosts.on(hosts.hosts[start.index], adapted);
      },
    });
    this.#nodes = options.nodes;
    this.#ledgerName = options.env?.LEDGER_NAME ?? LEDGER_NAME;
  }

  /** Reads what is stored, without the code of the servers. */
  async stored(): Promise<Pick<Evidence, "bets" | "closed" | "streams">> {
    if (this.#nodes === undefined) {
      return {
        bets: Deno.readFileSync(`${this.volume}/bets.csv`),
        closed: Deno.readTextFileSync(`${this.volume}/agencies_closed.txt`),
      };
    }
    const [{ address }] = this.#nodes.nodes;
    const draw = await readDraw({ address, name: this.#ledgerName });
    const streams = [...draw?.streams.values() ?? []];
    return { ...filesOf(streams), streams };
  }

  /**
   * Returns the size of bets.csv in bytes; 0 if the file is missing, as it may be after a power cut. Streams
   * have no such size: it is infinite.
   */
  betsSize(): number {
    if (this.#nodes !== undefined) return Infinity;
    try {
      return Deno.statSync(`${this.volume}/bets.csv`).size;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return 0;
      throw error;
    }
  }
}

/** Sends SIGTERM to a server. Returns its exit code and the time that its exit took. */
export async function terminate(process: Program): Promise<{ code: number; tookMs: number }> {
  const beginMs = performance.now();
  const code = await process.stop();
  return { code, tookMs: performance.now() - beginMs };
}

/** Returns how a server reaches the nodes. */
function ledgerNodes(
  nodes: NatsCluster,
  places: Address[] = nodes.nodes.map(({ address }) => address),
): LedgerNodes {
  const addresses = places.map(({ hostname, port }) => `${hostname}:${port}`);
  const LEDGER = `nats://${addresses.join(",")}`;
  return { addresses, environment: { ...nodes.environment, LEDGER } };
}

/** Loads preload.ts or preload_nodes.ts before the server, if anything is to break. */
function breakFiles(
  program: ProgramOptions,
  { index, isFirst }: ServerStart,
  { nodes, faults = [], unsafe = [] }: FaultClusterOptions,
): ProgramOptions {
  const active = [...unsafe, ...(isFirst && faults[index] ? [faults[index]] : [])];
  if (active.length === 0) return program;
  const [run, ...args] = program.args;
  const preload = nodes === undefined ? "preload" : "preload_nodes";
  // It reads its orders from the environment, and signals its own process.
  const permissions = ["--allow-env=LOTTERY_FAULTS", "--allow-run"];
  return {
    ...program,
    args: [run, ...permissions, "--preload", `e2e/faults/${preload}.ts`, ...args],
    env: { ...program.env, LOTTERY_FAULTS: active.join(",") },
  };
}

/** Limits how many files a server may open, if the options say so. */
function limitFiles(
  program: ProgramOptions,
  { openFilesMax }: FaultClusterOptions,
): ProgramOptions {
  if (openFilesMax === undefined) return program;
  const script = `ulimit -n ${openFilesMax}; exec "$@"`;
  return {
    ...program,
    command: "sh",
    args: ["-c", script, "sh", Deno.execPath(), ...program.args],
  };
}
