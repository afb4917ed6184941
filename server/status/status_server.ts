/**
 * The port on which a server reports its status: whether it runs, whether it is ready, what it does. No question here
 * locks, syncs or publishes anything; the answers come from memory.
 *
 * @module
 */

import { chooseFormat, formatMetrics, METRICS_TYPES, type MetricsFormat } from "./exposition.ts";
import { type HttpAnswer, type HttpRequest, HttpServer, textAnswer } from "./http.ts";
import type { DiskSpace } from "./disk_space.ts";
import { metricsOf } from "./metrics.ts";
import type { ServerStatus } from "./status_report.ts";
import type { ActionLog } from "../../shared/logging.ts";
import { TlsListener } from "../transport/tls_listener.ts";
import type { TlsFiles } from "../transport/tls_pair.ts";

/** Reports are made at most this often, however many ask: one of many agencies takes a millisecond or two. */
const FRESH_MS = 200;

/** Options of {@linkcode StatusServer}. */
export interface StatusServerOptions {
  /** STATUS_IP. */
  ip: string;
  /** STATUS_PORT; 0 for any free port. */
  port: number;
  status: ServerStatus;
  /** The certificate with which it speaks TLS. @default {it speaks plain HTTP} */
  tls?: { files: TlsFiles; log: ActionLog };
  /** Returns how much room the volume has. @default {there is none} */
  diskSpace?: () => DiskSpace | undefined;
  /** A monotonic clock, in milliseconds. @default {performance.now} */
  now?: () => number;
}

/** Answers questions about a server until it is disposed of. */
export class StatusServer implements AsyncDisposable {
  readonly #status: ServerStatus;
  readonly #diskSpace: () => DiskSpace | undefined;
  readonly #now: () => number;
  readonly #http: HttpServer;
  readonly #made = new Map<string, { atMs: number; answer: HttpAnswer }>();

  /** @throws If the address cannot be bound. */
  constructor(
    { ip, port, status, tls, diskSpace = () => undefined, now = () => performance.now() }:
      StatusServerOptions,
  ) {
    this.#status = status;
    this.#diskSpace = diskSpace;
    this.#now = now;
    try {
      this.#http = new HttpServer({
        hostname: ip,
        port,
        answer: (request) => this.answer(request),
        ...tls && { isTls: true, listen: (address) => new TlsListener({ address, ...tls }) },
      });
    } catch (cause) {
      const { message } = cause as Error;
      throw new Error(`Cannot listen on STATUS_IP and STATUS_PORT, ${ip}:${port}: ${message}`, {
        cause,
      });
    }
  }

  /** The port it listens on. */
  get port(): number {
    return this.#http.port;
  }

  /** Answers a request for GET. */
  answer({ path, accept }: HttpRequest): HttpAnswer {
    switch (path) {
      case "/livez":
        return textAnswer(200, "live\n");
      case "/readyz":
        return this.#answerReady();
      case "/status":
        return this.#fresh("status", () => this.#answerStatus());
      case "/metrics": {
        const format = chooseFormat(accept);
        return this.#fresh(format, () => this.#answerMetrics(format));
      }
    }
    return textAnswer(404, "there are /livez, /readyz, /status and /metrics\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#http[Symbol.asyncDispose]();
  }

  #answerReady(): HttpAnswer {
    const readiness = this.#status.readiness();
    return readiness.isReady
      ? textAnswer(200, "ready\n")
      : textAnswer(503, `not ready: ${readiness.reason}\n`);
  }

  #answerStatus(): HttpAnswer {
    const text = `${JSON.stringify(this.#status.report())}\n`;
    return { status: 200, type: "application/json", body: new TextEncoder().encode(text) };
  }

  #answerMetrics(format: MetricsFormat): HttpAnswer {
    const metrics = metricsOf(this.#status.report(), this.#status.figures, this.#diskSpace());
    const text = formatMetrics(metrics, format);
    return { status: 200, type: METRICS_TYPES[format], body: new TextEncoder().encode(text) };
  }

  /** Returns an answer that was made a moment ago, or makes it. */
  #fresh(key: string, make: () => HttpAnswer): HttpAnswer {
    const nowMs = this.#now();
    const made = this.#made.get(key);
    if (made !== undefined && nowMs - made.atMs < FRESH_MS) return made.answer;
    const answer = make();
    this.#made.set(key, { atMs: nowMs, answer });
    return answer;
  }
}
