/**
 * The replicated log of a draw on NATS JetStream. docs/ledger.md describes its streams and messages.
 *
 * @module
 */

import { errors, headers, type Msg } from "@nats-io/transport-node";
import type { ActionLog } from "../../../shared/logging.ts";
import { FatalLedgerError } from "../fatal_error.ts";
import { Availability } from "./availability.ts";
import { assertVersion, ATTEMPT_MS, type Cluster, connectCluster } from "./cluster.ts";
import { assertSameDraw, type DrawRecord, type DrawSettings } from "./draw_record.ts";
import { joinDraw, type ListedDraw } from "./draws.ts";
import { messageHeaders, parseMessage, type RawMessage } from "./messages.ts";
import { agencySubject, betsStream, type DrawNames, drawsStream, partitionOf } from "./names.ts";
import type { NatsSettings } from "../ledger_settings.ts";
import { parseAnswer } from "./publish_answer.ts";
import type { PulledMessage } from "./puller.ts";
import type {
  DrawLog,
  LogMessage,
  MessageListener,
  PublishResult,
  StoredMessage,
} from "./replicated_log.ts";
import { Line, Requests } from "./requests.ts";
import { StreamFollow } from "./stream_follow.ts";
import { Turns } from "./turns.ts";

/** Pause between two attempts to open the log, and how often a server says why it waits. */
const OPEN_PAUSE_MS = 500;
const WAITING_LOG_MS = 10_000;

const DISCONNECTED = "the connection to the cluster is lost";
/** An attempt during an election is lost: the shorter its deadline, the sooner the next one finds the new leader. */
const SILENT_ATTEMPT_MS = 1000;
/** A node whose cluster has given no answer for this long may be cut off from it: another one is tried. */
const MOVE_MS = 5000;
/** A node keeps at most 64 MiB for a connection that does not read them yet: see BULK in stream_follow.ts. */
const BULKS_AT_ONCE = 8;
/** Larger messages would not fit into one request of a follower. */
const ROWS_BYTES_MAX = 2 * 1024 * 1024;
/** How long disposing waits for the followers to give back their consumers. */
const RELEASE_MS = 500;

/** Options of {@linkcode openNatsLog}. */
export interface NatsLogOptions {
  settings: NatsSettings;
  /** What every server of the draw must agree on. */
  draw: DrawSettings;
  log: ActionLog;
}

/**
 * Opens the log of the current draw. While the cluster is away it waits, and says for what.
 *
 * @throws {FatalLedgerError} If the cluster, its streams or its draw are not what this server needs.
 */
export async function openNatsLog(options: NatsLogOptions): Promise<DrawLog> {
  let loggedAt = -Infinity;
  for (;;) {
    try {
      return await tryOpen(options);
    } catch (error) {
      if (error instanceof FatalLedgerError) throw error;
      const now = performance.now();
      if (now - loggedAt >= WAITING_LOG_MS) {
        loggedAt = now;
        const nodes = options.settings.nodes.join(",");
        options.log.warning("ledger", "in_progress", { nodes, waits_for: messageOf(error) });
      }
      await new Promise((resolve) => setTimeout(resolve, OPEN_PAUSE_MS));
    }
  }
}

async function tryOpen({ settings, draw, log }: NatsLogOptions): Promise<DrawLog> {
  const cluster = await connectCluster(settings);
  try {
    const { name, replicas, partitions } = settings;
    const listed = await joinDraw(cluster, { ...draw, name, replicas, partitions });
    assertSameDraw(listed.draw, draw);
    log.info("ledger", "success", {
      node: cluster.connection.info?.server_name ?? "",
      draw: listed.draw.id,
      partitions: listed.draw.partitions,
    });
    return new NatsLog(cluster, { names: { name, ...listed.draw }, listed, log });
  } catch (error) {
    await cluster.connection.close();
    throw error;
  }
}

/** Options of {@linkcode NatsLog}. */
interface NatsLogState {
  names: DrawNames;
  listed: ListedDraw;
  log: ActionLog;
}

/** The log over one connection. */
class NatsLog implements DrawLog {
  readonly draw: DrawRecord;
  readonly failed: Promise<Error>;
  readonly #cluster: Cluster;
  readonly #requests: Requests;
  /** By partition. */
  readonly #lines: readonly Line[];
  readonly #names: DrawNames;
  readonly #log: ActionLog;
  readonly #onFailure: (error: Error) => void;
  readonly #follows: StreamFollow[] = [];
  /** Ends the attempts in hand. */
  readonly #attempts = new Set<(result: PublishResult) => void>();
  readonly #watching: Promise<void>;
  #isConnected = true;
  #isDamaged = false;
  #isDisposed = false;
  readonly #turns = new Turns(BULKS_AT_ONCE);
  readonly #availability = new Availability();
  /** When attempts began to be unanswered; undefined while they are answered. */
  #silentSince: number | undefined;

  constructor(cluster: Cluster, { names, listed, log }: NatsLogState) {
    this.#cluster = cluster;
    this.#requests = new Requests(cluster.connection);
    this.#lines = Array.from({ length: listed.draw.partitions }, () => new Line());
    this.draw = listed.draw;
    this.#names = names;
    this.#log = log;
    const { promise, resolve } = Promise.withResolvers<Error>();
    this.failed = promise;
    this.#onFailure = resolve;
    this.#watching = this.#watchConnection();
    this.#followDraws(listed);
  }

  get isAvailable(): boolean {
    return this.#isConnected && this.#availability.isAnswering;
  }

  publish(agency: number, message: LogMessage, expectedSequence: number): Promise<PublishResult> {
    return new Promise((resolve) => {
      const end = (result: PublishResult) => {
        if (!this.#attempts.delete(end)) return;
        this.#noteAnswer(agency, result);
        resolve(result);
      };
      this.#attempts.add(end);
      // The client would keep the message, and send it when nobody awaits its answer any more.
      if (!this.#isConnected) return end({ status: "unknown", reason: DISCONNECTED });
      if (message.rows.length > ROWS_BYTES_MAX) return end(tooLarge(message));
      this.#request(agency, message, expectedSequence).then(
        (answer) => end(parseAnswer(answer.string())),
        (error) => end(resultOf(error, message)),
      );
    });
  }

  last(agency: number): Promise<StoredMessage | undefined> {
    return this.#read(agency, { last_by_subj: agencySubject(this.#names, agency) });
  }

  after(agency: number, sequence: number): Promise<StoredMessage | undefined> {
    const next_by_subj = agencySubject(this.#names, agency);
    return this.#read(agency, { seq: sequence + 1, next_by_subj });
  }

  follow(listener: MessageListener): AsyncDisposable {
    const follows = Array.from({ length: this.#names.partitions }, (_, partition) => {
      const stream = betsStream(this.#names, partition);
      return new StreamFollow(this.#cluster, {
        stream,
        turns: this.#turns,
        onMessages: (messages) => {
          const parsed = messages.map((message) => this.#parse(rawOf(stream, message)));
          return listener(parsed.filter((message) => message !== undefined));
        },
        onDamage: this.#onFailure,
      });
    });
    this.#follows.push(...follows);
    return {
      [Symbol.asyncDispose]: async () => {
        await Promise.all(follows.map((follow) => follow[Symbol.asyncDispose]()));
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    this.#availability[Symbol.dispose]();
    const released = Promise.all(this.#follows.map((follow) => follow[Symbol.asyncDispose]()));
    let timer: ReturnType<typeof setTimeout>;
    const late = new Promise((resolve) => timer = setTimeout(resolve, RELEASE_MS));
    await Promise.race([released, late]);
    clearTimeout(timer!);
    await this.#cluster.connection.close();
    await released;
    await this.#watching;
  }

  #request(agency: number, message: LogMessage, expectedSequence: number): Promise<Msg> {
    const list = headers();
    for (const [name, value] of Object.entries(messageHeaders(message, expectedSequence))) {
      list.append(name, value);
    }
    const subject = agencySubject(this.#names, agency);
    const timeoutMs = this.#silentSince === undefined ? ATTEMPT_MS : SILENT_ATTEMPT_MS;
    const line = this.#lines[partitionOf(agency, this.#names)];
    return this.#requests.send({ subject, headers: list, body: message.rows, timeoutMs, line });
  }

  /** Tries another node when this one has been silent for too long. */
  #noteAnswer(agency: number, { status }: PublishResult): void {
    const now = performance.now();
    if (status !== "unknown") {
      this.#silentSince = undefined;
      return this.#availability.noteAnswer();
    }
    this.#availability.noteSilence(() => this.last(agency));
    if (this.#silentSince === undefined) this.#silentSince = now;
    else if (this.#isConnected && now - this.#silentSince >= MOVE_MS) {
      this.#silentSince = now;
      this.#cluster.connection.reconnect().catch(() => {});
    }
  }

  async #read(
    agency: number,
    query: { last_by_subj: string } | { seq: number; next_by_subj: string },
  ): Promise<StoredMessage | undefined> {
    const stream = betsStream(this.#names, partitionOf(agency, this.#names));
    const { streams } = this.#cluster.manager;
    const message = await streams.getMessage(
      stream,
      query as Parameters<typeof streams.getMessage>[1],
    );
    if (message === null) return undefined;
    const { subject, seq, header: headers, data } = message;
    return this.#parse(rawOf(stream, { subject, seq, headers, data }));
  }

  /** Parses a message; one that no server has written ends the log, and nothing is parsed after it. */
  #parse(raw: RawMessage): StoredMessage | undefined {
    if (this.#isDamaged) return undefined;
    try {
      return parseMessage(raw);
    } catch (error) {
      this.#isDamaged = true;
      this.#onFailure(error as Error);
    }
  }

  #followDraws({ draw, sequence }: ListedDraw): void {
    this.#follows.push(
      new StreamFollow(this.#cluster, {
        stream: drawsStream(this.#names.name),
        from: sequence + 1,
        turns: this.#turns,
        onMessages: () =>
          this.#onFailure(
            new Error(
              `Another draw has begun: draw ${draw.id} takes no more bets. Start the server again, and it joins ` +
                "the new one",
            ),
          ),
        onDamage: this.#onFailure,
      }),
    );
  }

  /** Notices when the connection is lost, and when it is there again, until it is closed. */
  async #watchConnection(): Promise<void> {
    const { connection } = this.#cluster;
    connection.closed().then((error) => {
      if (this.#isDisposed) return;
      const reason = error instanceof Error ? error.message : "it was closed";
      this.#onFailure(new Error(`The connection to the cluster has ended: ${reason}`));
    });
    for await (const status of connection.status()) {
      if (status.type === "disconnect" && this.#isConnected) {
        this.#isConnected = false;
        for (const end of [...this.#attempts]) end({ status: "unknown", reason: DISCONNECTED });
        if (!connection.isClosed()) {
          this.#log.warning("ledger", "in_progress", { waits_for: `a node: ${DISCONNECTED}` });
        }
      } else if (status.type === "reconnect") this.#onReconnect();
    }
  }

  #onReconnect(): void {
    const { connection } = this.#cluster;
    this.#isConnected = true;
    this.#log.info("ledger", "success", { node: connection.info?.server_name ?? "" });
    for (const follow of this.#follows) follow.restart();
    try {
      assertVersion(connection);
    } catch (error) {
      this.#onFailure(error as Error);
    }
  }
}

function rawOf(stream: string, { subject, seq, headers, data }: PulledMessage): RawMessage {
  return { stream, subject, sequence: seq, header: (name) => headers?.get(name) ?? "", body: data };
}

/** The outcome of an attempt without an answer. */
function resultOf(error: Error, message: LogMessage): PublishResult {
  return error instanceof errors.InvalidArgumentError
    ? tooLarge(message)
    : { status: "unknown", reason: reasonOf(error) };
}

function tooLarge({ rows }: LogMessage): PublishResult {
  const reason =
    `the batch has ${rows.length} bytes of rows, which is too large for a message: lower ` +
    `SERVER_MAX_PACKET_BYTES, or raise max_payload of every node, to ${ROWS_BYTES_MAX} at most`;
  return { status: "refused", reason };
}

function reasonOf(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : error;
  if (cause instanceof errors.NoRespondersError) return "the stream has no leader";
  if (cause instanceof errors.TimeoutError) return "no answer in time";
  return messageOf(cause);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
