/**
 * What a node says of itself over HTTP, on its monitoring port.
 *
 * @module
 */

import { parseAddress } from "../../shared/config.ts";
import { withDeadline } from "../../shared/deadline.ts";

/** Longest wait for an answer: a paused node accepts connections and never answers. */
const ANSWER_MS = 3000;

/** The part of `/varz` that is used: the node itself. */
export interface NodeStatus {
  server_name: string;
  /** Its version, such as `2.14.5`. */
  version: string;
  /** Its clock, in ISO 8601. */
  now: string;
  cluster?: { name?: string };
  tags?: string[];
  /** Empty where JetStream is not enabled. */
  jetstream: {
    config?: {
      sync_always?: boolean;
      sync_interval?: number;
      max_storage?: number;
      store_dir?: string;
    };
    stats?: { storage?: number };
    meta?: { name?: string; leader?: string; cluster_size?: number };
  };
}

/** A replica of a stream, as the stream's leader sees it. */
export interface ReplicaStatus {
  name: string;
  /** Whether it has everything that the leader has. */
  current: boolean;
  offline?: boolean;
  /** Operations that it has to catch up with. */
  lag?: number;
  /** Nanoseconds since it was last seen. */
  active: number;
}

/** A stream, as one node sees it. */
export interface StreamStatus {
  name: string;
  cluster?: { leader?: string; replicas?: ReplicaStatus[] };
  config: { name: string; num_replicas: number; storage: string; subjects?: string[] };
  state: { messages: number; bytes: number };
}

/** The part of `/jsz` that is used: JetStream on a node. */
export interface JetStreamStatus {
  disabled?: boolean;
  config?: { max_storage?: number; store_dir?: string };
  /** Bytes that streams take on its disk. */
  storage?: number;
  meta_cluster?: { leader?: string; cluster_size?: number; replicas?: ReplicaStatus[] };
  account_details?: { name: string; stream_detail?: StreamStatus[] }[];
}

/** What a health check has answered. */
export interface Health {
  /** `ok`, or something else. */
  status: string;
  error?: string;
}

/** The monitoring port of one node. */
export class Monitoring {
  /** `host:port`. */
  readonly address: string;

  constructor(address: string) {
    this.address = address;
  }

  /** Returns what the node says of itself. */
  status(): Promise<NodeStatus> {
    return this.#ask("varz");
  }

  /** Returns what the node says of JetStream, and of every stream that it has a replica of. */
  jetStream(): Promise<JetStreamStatus> {
    return this.#ask("jsz?accounts=true&streams=true&config=true");
  }

  /** Returns whether the node is ready and has caught up with the leaders of all its streams. */
  health(): Promise<Health> {
    return this.#ask("healthz");
  }

  /** Asks. A node that is not healthy answers with another code than 200, and says why. */
  async #ask<Answer>(path: string): Promise<Answer> {
    return JSON.parse(await get(this.address, path));
  }
}

/**
 * Returns the body of an answer. Unlike `fetch`, this neither asks a proxy for addresses of this machine nor refuses
 * the ports that browsers refuse.
 *
 * @throws {Deno.errors.TimedOut} If there is no whole answer in time.
 */
async function get(address: string, path: string): Promise<string> {
  const { host: hostname, port } = parseAddress(address)!;
  const connecting = Deno.connect({ hostname, port });
  const request = `GET /${path} HTTP/1.0\r\nHost: ${address}\r\n\r\n`;
  const answering = connecting.then(async (connection) => {
    await connection.write(new TextEncoder().encode(request));
    return await new Response(connection.readable).text();
  });
  const error = () => new Deno.errors.TimedOut(`it does not answer within ${ANSWER_MS / 1000} s`);
  try {
    const answer = await withDeadline(answering, { timeoutMs: ANSWER_MS, error });
    return answer.slice(answer.indexOf("\r\n\r\n"));
  } finally {
    // After a whole answer it is closed already.
    connecting.then((connection) => connection.close()).catch(() => {});
  }
}

/** Why a node cannot be asked, in a few words. */
export function explainSilence(error: unknown): string {
  const { message } = error as Error;
  if (/connection refused|os error 111/i.test(message)) return "nothing listens there";
  if (/failed to lookup|name or service not known/i.test(message)) return "its name is not known";
  return error instanceof SyntaxError ? "what answers there is no nats-server" : message;
}
