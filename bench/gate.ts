/**
 * What TLS and keys cost: the same load over plain TCP, over TLS, and over TLS with keys, in turns.
 *
 * @module
 */

import { tempFolder } from "../testing/temp_folder.ts";
import { SecureFiles } from "../tools/run/secure_files.ts";
import type { Context } from "./context.ts";
import { type IntakeCase, MAIN_CASE } from "./intake.ts";
import { type Spread, spreadOf, spreadOfKnown } from "./spread.ts";
import { startLottery, type System } from "./systems.ts";
import { takeTurns, underLoad } from "./turns.ts";

/** The name in the certificate. */
const NAME = "localhost";

/** What is sent, by how many agencies. */
export type GateCase = Pick<IntakeCase, "connections" | "packet" | "betsMax" | "bytesMax">;

/** The figures of a case over one transport. */
export interface GateFigures extends GateCase {
  transport: "TCP" | "TLS" | "TLS, keys";
  betsPerSecond: Spread;
  /** The speed divided by that over plain TCP, turn by turn. */
  ratio: Spread;
  p50Ms: Spread;
  p99Ms: Spread;
  /** Processor time of the server; undefined where it is unknown. */
  cpuSecondsPerMillion?: Spread;
}

/** Measures one case over each transport. */
export async function measureGate(context: Context, gateCase: GateCase): Promise<GateFigures[]> {
  await using folder = tempFolder(context.folder);
  const agencies = gateCase.connections;
  const path = `${folder.path}/secure`;
  const files = await SecureFiles.make(path, { agencies, hosts: [NAME] });
  const { AGENCY_KEYS: _, ...onlyTls } = files.serverEnvironment;
  const ca = await Deno.readTextFile(files.ca);
  const keys = await Promise.all(
    Array.from({ length: agencies }, (_, index) => Deno.readTextFile(files.keyFile(index + 1))),
  );
  const tls = { ca, name: NAME };
  const transports = [
    { transport: "TCP", env: {}, secure: undefined },
    { transport: "TLS", env: onlyTls, secure: tls },
    {
      transport: "TLS, keys",
      env: files.serverEnvironment,
      secure: { ...tls, keys: keys.map((key) => key.trim()) },
    },
  ] as const;
  await using stack = new AsyncDisposableStack();
  const systems: System[] = [];
  for (const [index, { env, secure }] of transports.entries()) {
    const volume = `${folder.path}/${index}`;
    await Deno.mkdir(volume);
    const server = { servers: 1, agencies, volume, env, secrets: files.serverFolder };
    systems.push({ ...stack.use(await startLottery(server)), secure });
  }
  const load = { ...MAIN_CASE, ...gateCase, firstAgency: 1 };
  const contestants = systems.map((system) => underLoad(context.thread, system, load));
  const turns = await takeTurns(contestants, context.pace);
  return transports.map(({ transport }, index) => ({
    ...gateCase,
    transport,
    betsPerSecond: spreadOf(turns[index].map((turn) => turn.betsPerSecond)),
    ratio: spreadOf(
      turns[index].map((turn, run) => turn.betsPerSecond / turns[0][run].betsPerSecond),
    ),
    p50Ms: spreadOf(turns[index].map((turn) => turn.p50Ms)),
    p99Ms: spreadOf(turns[index].map((turn) => turn.p99Ms)),
    cpuSecondsPerMillion: spreadOfKnown(turns[index].map((turn) => turn.cpuSecondsPerMillion)),
  }));
}
