/**
 * Agencies that are the client program itself: their files, their processes, and what their last lines say.
 *
 * @module
 */

import { check, type Fault } from "./checker.ts";
import { within } from "./counter.ts";
import { History } from "./history.ts";
import type { Address } from "./line_connection.ts";
import { sourceFileOf } from "./made_bets.ts";
import { type Cluster, startClient, type Supervised } from "./supervisor.ts";

const ANSWER_SECONDS = 1;
const END_PATIENCE_MS = 120_000;

/** Options of {@linkcode ClientProgram}. */
export interface ClientProgramOptions {
  agency: number;
  address: Address;
  /** How many bets it has to send. */
  bets: number;
  batchSize: number;
}

/** One agency: its file, and the process that sends it, which may be started more than once. */
export class ClientProgram implements AsyncDisposable {
  readonly options: ClientProgramOptions;
  /** The process it has, or had last. */
  process: Supervised;
  readonly #data: string;

  constructor(options: ClientProgramOptions) {
    const { agency, bets } = options;
    this.options = options;
    this.#data = Deno.makeTempDirSync({ prefix: "lottery-agency-" });
    Deno.writeTextFileSync(`${this.#data}/agency-${agency}.csv`, sourceFileOf(agency, bets));
    this.process = this.#start();
  }

  /** kill -9. */
  kill(): Promise<void> {
    return this.process.kill();
  }

  /** Starts it again. It knows nothing of its life before. */
  restart(): void {
    this.process = this.#start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.#data, { recursive: true });
  }

  #start(): Supervised {
    const { agency, address, batchSize } = this.options;
    const data = this.#data;
    return startClient({ agency, address, data, batchSize, answerSeconds: ANSWER_SECONDS });
  }
}

/** Waits for the end of all programs, and judges what they say against what is on the volume. */
export async function judgePrograms(
  programs: readonly ClientProgram[],
  cluster: Cluster,
): Promise<Fault[]> {
  const history = new History();
  for (const { options: { agency, bets } } of programs) {
    history.add({ type: "sent", agency, from: 0, to: bets });
    history.add({ type: "close sent", agency });
  }
  const faults: Fault[] = [];
  for (const program of programs) {
    const fault = await findBadEnd(program);
    if (fault === undefined) await recordEnd(program, history, cluster.betsSize());
    else faults.push({ ...fault, detail: `${fault.detail}\n${cluster.tail()}` });
  }
  const evidence = {
    agencies: programs.length,
    events: history.events,
    bets: cluster.readBets(),
    closed: cluster.readClosed(),
    isComplete: true,
  };
  return [...faults, ...check(evidence)];
}

async function findBadEnd({ options, process }: ClientProgram): Promise<Fault | undefined> {
  const status = await within(process.ended, END_PATIENCE_MS);
  if (status?.code === 0) return undefined;
  const how = status === undefined ? "does not end" : `ended with ${status.code}`;
  return { kind: "bad end", detail: `client ${options.agency} ${how}:\n${process.tail()}` };
}

/** Takes the program's last lines for what they say. */
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
    throw new Error(`client ${agency} counts ${count} bets and ${amount} winners`);
  }
}
