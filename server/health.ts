/**
 * The health check of a server on this machine. Exit code 0 if it answers a ProgressRequest, or an AuthRequest where
 * agencies have keys, 1 if not, 2 if the settings are invalid. It reads the same settings as the server.
 *
 * @module
 */

import {
  AUTH_PACKET_BYTES_MAX,
  decodeAuthPacket,
  encodeAuthPacket,
} from "../shared/auth_packets.ts";
import { SettingsError } from "../shared/config.ts";
import { decodeProgressResponse, encodeAgencyRequest, FrameBuffer } from "../shared/mod.ts";
import { handleArguments } from "../shared/command_line.ts";
import { beginClient } from "../shared/scram.ts";
import { readServerSettings } from "./settings.ts";
import { HEALTH_USAGE } from "./usage.ts";

/** A healthy server answers within milliseconds. */
const DEADLINE_MS = 2000;
const ANSWER_BYTES_MAX = AUTH_PACKET_BYTES_MAX;
const EXIT_UNHEALTHY = 1;
const EXIT_SETTINGS = 2;

/** Where a server listens. */
export interface ServerAddress {
  hostname: string;
  port: number;
}

/** A connection to a server, for one question. */
interface Line extends Disposable {
  send(bytes: Uint8Array): Promise<unknown>;
  chunks: AsyncIterable<Uint8Array>;
}

/**
 * Asks a server that admits only agencies with a key for a challenge, which a stranger may, too.
 *
 * @throws If the server cannot be reached, closes the connection, or answers with another packet.
 */
export async function askChallenge(address: ServerAddress): Promise<void> {
  using line = await openTls(address);
  const { first } = beginClient({ name: "1", key: "" });
  await line.send(encodeAuthPacket("AuthRequest", first));
  decodeAuthPacket("AuthChallenge", await firstLine(line, address));
}

/**
 * Asks a server for the progress of an agency.
 *
 * @returns The number of its stored bets.
 * @throws If the server cannot be reached, closes the connection, or answers with another packet.
 */
export async function askProgress(
  address: ServerAddress,
  agency: number,
  isTls = false,
): Promise<number> {
  using line = await (isTls ? openTls(address) : openTcp(address));
  await line.send(encodeAgencyRequest("ProgressRequest", agency));
  return decodeProgressResponse(await firstLine(line, address));
}

async function firstLine({ chunks }: Line, { hostname, port }: ServerAddress) {
  const frames = new FrameBuffer(ANSWER_BYTES_MAX);
  for await (const chunk of chunks) {
    const space = frames.space();
    const part = chunk.subarray(0, space.length);
    space.set(part);
    frames.filled(part.length);
    const answer = frames.take();
    if (answer !== undefined) return answer;
  }
  throw new Error(`${hostname}:${port} closed the connection`);
}

async function openTcp(address: ServerAddress): Promise<Line> {
  const connection = await Deno.connect({ ...address });
  const writer = connection.writable.getWriter();
  return {
    send: (bytes) => writer.write(bytes),
    chunks: connection.readable,
    [Symbol.dispose]: () => void writer.abort().catch(() => {}),
  };
}

/** Trusts any certificate: the server's is for the name by which agencies know it, not for loopback. */
async function openTls({ hostname, port }: ServerAddress): Promise<Line> {
  // It takes time to load, and most servers do without it.
  const { connect } = await import("node:tls");
  const socket = connect({ host: hostname, port, rejectUnauthorized: false });
  return {
    send: (bytes) => Promise.resolve(socket.write(bytes)),
    chunks: socket,
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

async function main(): Promise<number> {
  try {
    const { port, listenIp, agencies, agencyKeys, tls } = readServerSettings();
    const hostname = listenIp === "0.0.0.0" ? "127.0.0.1" : listenIp;
    // On JetStream each question appends a mark, which makes servers read again: random agencies
    // share that.
    const agency = 1 + Math.floor(Math.random() * agencies);
    if (agencyKeys !== undefined) await askChallenge({ hostname, port });
    else await askProgress({ hostname, port }, agency, tls !== undefined);
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return error instanceof SettingsError ? EXIT_SETTINGS : EXIT_UNHEALTHY;
  }
}

if (import.meta.main) {
  const exitCode = handleArguments(Deno.args, HEALTH_USAGE);
  if (exitCode !== undefined) Deno.exit(exitCode);
  setTimeout(() => {
    console.error(`no answer within ${DEADLINE_MS} ms`);
    Deno.exit(EXIT_UNHEALTHY);
  }, DEADLINE_MS);
  Deno.exit(await main());
}
