/**
 * Load for PostgreSQL, in a thread of its own: connections that each COPY a batch of rows, one transaction each,
 * and wait for the answer. It speaks the protocol itself
 * (https://www.postgresql.org/docs/15/protocol-message-formats.html), so that no client library is measured.
 *
 * @module
 */

import { LOOPBACK } from "../../tools/run/loopback.ts";
import { type LoadResult, storeFor, takeOrders } from "../load_worker.ts";
import { madeBatches } from "../made_bets.ts";

/** Whom to connect as, and to which database. */
export const USER = "lottery";
const DATABASE = "postgres";
const PROTOCOL_3 = 0x0003_0000;
/** How many batches a connection alternates. */
const BATCHES = 16;

/** What to store, and where. */
export interface PostgresOrder {
  /** A port on loopback. */
  port: number;
  /** A statement to run once, before the load. @default {none} */
  prepare?: string;
  connections: number;
  /** Bets in a batch. */
  bets: number;
  seconds: number;
}

const encoder = new TextEncoder();

/** A message: its type, its length in four bytes, its content. The first message has no type. */
function message(type: string, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(type.length + 4 + content.length);
  bytes.set(encoder.encode(type));
  new DataView(bytes.buffer).setInt32(type.length, 4 + content.length);
  bytes.set(content, type.length + 4);
  return bytes;
}

function query(text: string): Uint8Array {
  return message("Q", encoder.encode(`${text}\0`));
}

function startup(): Uint8Array {
  const parameters = encoder.encode(`user\0${USER}\0database\0${DATABASE}\0\0`);
  const content = new Uint8Array(4 + parameters.length);
  new DataView(content.buffer).setInt32(0, PROTOCOL_3);
  content.set(parameters, 4);
  return message("", content);
}

/** Statement, rows and end of a COPY, which need no answer in between. */
function copyOf(rows: Uint8Array): Uint8Array {
  return new Uint8Array([
    ...query("COPY bets FROM STDIN WITH (FORMAT csv)"),
    ...message("d", rows),
    ...message("c", new Uint8Array()),
  ]);
}

/** A connection. The server trusts it. */
class PostgresConnection implements Disposable {
  readonly #connection: Deno.TcpConn;
  readonly #bytes = new Uint8Array(64 * 1024);

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  static async open(port: number): Promise<PostgresConnection> {
    const connection = await Deno.connect({ hostname: LOOPBACK, port });
    connection.setNoDelay(true);
    const opened = new PostgresConnection(connection);
    await opened.ask(startup());
    return opened;
  }

  /**
   * Sends messages, and waits until the server is ready for the next ones.
   *
   * @throws {Error} If the server reports an error.
   */
  async ask(messages: Uint8Array): Promise<void> {
    for (let at = 0; at < messages.length;) {
      at += await this.#connection.write(messages.subarray(at));
    }
    const bytes = this.#bytes;
    for (let [at, length, isReady] = [0, 0, false]; !isReady;) {
      const count = await this.#connection.read(bytes.subarray(length));
      if (count === null) throw new Error("Cannot measure: PostgreSQL closed the connection");
      length += count;
      const view = new DataView(bytes.buffer, 0, length);
      while (at + 5 <= length && at + 1 + view.getInt32(at + 1) <= length) {
        const end = at + 1 + view.getInt32(at + 1);
        const type = String.fromCharCode(bytes[at]);
        if (type === "E") {
          const fields = new TextDecoder().decode(bytes.subarray(at + 5, end));
          throw new Error(`Cannot measure: PostgreSQL answered ${fields.replaceAll("\0", " ")}`);
        }
        isReady = type === "Z";
        at = end;
      }
    }
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

async function run(order: PostgresOrder): Promise<LoadResult> {
  const { port, prepare, bets, seconds } = order;
  using stack = new DisposableStack();
  const connections: PostgresConnection[] = [];
  for (let index = 0; index < order.connections; index++) {
    connections.push(stack.use(await PostgresConnection.open(port)));
  }
  if (prepare !== undefined) await connections[0].ask(query(prepare));
  const senders = connections.map((connection, index) => {
    const copies = madeBatches(index + 1, { batches: BATCHES, bets }).map(copyOf);
    return async (call: number) => {
      await connection.ask(copies[call % BATCHES]);
      return bets;
    };
  });
  return await storeFor(seconds, senders);
}

takeOrders(run);
