/**
 * The streams of a lottery, as tools read them. The client of NATS, a package from npm, is loaded only where a
 * ledger is opened.
 *
 * @module
 */

import { FatalLedgerError } from "../../server/ledger/fatal_error.ts";
import type { DrawRecord, DrawSettings } from "../../server/ledger/jetstream/draw_record.ts";
import type { RawMessage } from "../../server/ledger/jetstream/messages.ts";
import type { NatsSettings } from "../../server/ledger/ledger_settings.ts";
import { TASK, TaskError } from "../project.ts";

/** A draw, and its place in the list of draws. */
export interface ListedDraw {
  draw: DrawRecord;
  sequence: number;
}

/** A stream of a draw at one moment. */
export interface StreamState {
  name: string;
  partition: number;
  /** Why the stream may lose what it stores; nothing if it is as servers make it. */
  fault?: string;
  /** Messages that it holds. */
  messages: number;
  /** The sequences of the first message that it holds, and of the last one that it was given. */
  firstSequence: number;
  lastSequence: number;
}

/** The streams of a lottery. */
export interface StreamLedger extends AsyncDisposable {
  /** LEDGER_NAME. */
  readonly name: string;
  /** Returns the current draw; nothing if none has begun. */
  currentDraw(): Promise<ListedDraw | undefined>;
  /**
   * Begins a draw, if the current one still is the one with this sequence.
   *
   * @returns The draw that has begun; another one if that was faster.
   */
  beginDraw(settings: DrawSettings, previousSequence: number): Promise<ListedDraw>;
  /** Returns the streams of a draw. A stream that is missing is undefined. */
  streams(draw: DrawRecord): Promise<{ name: string; state: StreamState | undefined }[]>;
  /**
   * Yields the messages of a stream from the first one to the one with the sequence `to`, in order. Those that
   * are missing are left out. A message is valid until the next one is asked for.
   *
   * @throws {TaskError} If the stream has no leader for long.
   */
  read(stream: string, to: number): AsyncGenerator<RawMessage, void>;
}

/** What this module uses of nats_streams.ts, whose own types would need the packages. */
interface NatsStreamsModule {
  openNatsStreams(settings: NatsSettings): Promise<StreamLedger>;
}

/**
 * Connects to the nodes of a ledger.
 *
 * @throws {TaskError} If no node can be reached, or the cluster does not accept this program.
 */
export async function openStreams(settings: NatsSettings): Promise<StreamLedger> {
  // Deno fetches the packages behind a literal whenever a program starts, even if it never gets here.
  const module = "./nats_streams.ts";
  let streams: NatsStreamsModule;
  try {
    streams = await import(module);
  } catch (cause) {
    const { message } = cause as Error;
    throw new TaskError(
      `Cannot load the client of NATS: ${message}. It comes from npm: run this once where npm can be reached, or ` +
        "copy Deno's cache (DENO_DIR)",
      { cause },
    );
  }
  try {
    return await streams.openNatsStreams(settings);
  } catch (cause) {
    if (cause instanceof FatalLedgerError) throw new TaskError(cause.message, { cause });
    const nodes = settings.nodes.join(", ");
    throw new TaskError(
      `Cannot reach the nodes of the ledger (${nodes}): ${
        (cause as Error).message
      }. Start them, or correct LEDGER; ` +
        `${TASK} doctor tells what each of them is missing`,
      { cause },
    );
  }
}
