/**
 * Agencies that are the client program itself: their files, their processes, and what their last
 * lines report.
 *
 * @module
 */

import { startClient } from "../../testing/clients.ts";
import type { Address } from "../../testing/ports.ts";
import type { Program } from "../../testing/program.ts";
import { type TempFolder, tempFolder } from "../../testing/temp_folder.ts";
import { check } from "./checker.ts";
import type { Fault } from "./fault.ts";
import type { FaultCluster } from "./fault_cluster.ts";
import { History } from "./history.ts";
import { sourceFileOf } from "./made_bets.ts";

const EXIT_TIMEOUT_MS = 120_000;

/** Options of {@linkcode ClientProgram}. */
export interface ClientProgramOptions {
  agency: number;
  address: Address;
  /** How many bets it has to send. */
  bets: number;
  batchSize: number;
  /** More settings. */
  env?: Record<string, string>;
  /** Whether it may take its servers for ones without ProgressRequest. @default {false} */
  legacyServer?: boolean;
}

/** One agency: its file, and the process that sends it, which can be restarted. */
export class ClientProgram implements AsyncDisposable {
  readonly options: ClientProgramOptions;
  /** The process that runs, or the latest one that ran. */
  process: Program;
  readonly #folder: TempFolder;

  constructor(options: ClientProgramOptions) {
    const { agency, bets } = options;
    this.options = options;
    this.#folder = tempFolder();
    const path = `${this.#folder.path}/agency-${agency}.csv`;
    Deno.writeTextFileSync(path, sourceFileOf(agency, bets));
    this.process = this.#start();
  }

  /** Sends SIGKILL and waits until the process has exited. */
  kill(): Promise<void> {
    return this.process.kill();
  }

  /** Starts a new process, which knows nothing of the one before. */
  restart(): void {
    this.process = this.#start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#folder[Symbol.asyncDispose]();
  }

  #start(): Program {
    const { agency, address, batchSize, env, legacyServer = false } = this.options;
    return startClient({
      agency,
      address,
      data: this.#folder.path,
      env: {
        CLI_BATCH_SIZE: String(batchSize),
        CLI_LEGACY_SERVER: String(legacyServer),
        CLI_LOG_LEVEL: "info",
        // How long it waits for an answer before it tries another connection.
        CLI_ANSWER_SECONDS: "1",
        CLI_RETRY_SECONDS: "60",
        // The network may swallow a connection while the client waits for the draw, so it asks
        // again soon.
        CLI_WINNERS_SECONDS: "3",
        ...env,
      },
    });
  }
}

/** Waits until all programs have exited, and checks what they report against the volume. */
export async function judgePrograms(
  programs: readonly ClientProgram[],
  cluster: FaultCluster,
): Promise<Fault[]> {
  const history = new History();
  for (const { options: { agency, bets, batchSize } } of programs) {
    for (let from = 0; from < bets; from += batchSize) {
      history.add({ type: "sent", agency, from, to: Math.min(bets, from + batchSize) });
    }
    history.add({ type: "close sent", agency });
  }
  const faults: Fault[] = [];
  for (const program of programs) {
    const detail = await findBadEnd(program);
    if (detail === undefined) await recordEnd(program, history, cluster.betsSize());
    else faults.push({ kind: "bad exit", detail: `${detail}\n${cluster.tail()}` });
  }
  const evidence = {
    agencies: programs.length,
    events: history.events,
    ...await cluster.stored(),
    isComplete: true,
  };
  return [...faults, ...check(evidence)];
}

/** Returns what is wrong with the way in which a client ends; undefined if it succeeds. */
async function findBadEnd({ process }: ClientProgram): Promise<string | undefined> {
  try {
    const code = await process.ended(EXIT_TIMEOUT_MS);
    return code === 0 ? undefined : process.failure(`exited with ${code}`).message;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Adds what the last lines of a client report to the history. */
async function recordEnd(
  { options, process }: ClientProgram,
  history: History,
  fileSize: number,
): Promise<void> {
  const { agency } = options;
  const [, count] = await process.line(
    /action: apuestas_enviadas \| result: success \| agency: \d+ \| cantidad: (\d+)/,
  );
  history.add({ type: "stored", agency, from: 0, to: Number(count) });
  await process.line(/action: agency_close \| result: success/);
  history.add({ type: "closed", agency, fileSize });
  const [, amount, list] = await process.line(
    /consulta_ganadores \| result: success .*cant_ganadores: (\d+)(?: \| documentos: ?(\S*))?/,
  );
  const documents = list ? list.split(";") : [];
  history.add({ type: "winners", agency, documents, server: `client ${agency}` });
  if (documents.length !== Number(amount) || Number(count) !== options.bets) {
    throw new Error(`client ${agency} reports ${count} bets and ${amount} winners`);
  }
}
