/**
 * The health check of a server on this machine. Exit code 0 if it answers a ProgressRequest, 1 if not, 2 if
 * the settings are invalid. It reads the same settings as the server.
 *
 * @module
 */

import { SettingsError } from "../shared/config.ts";
import { decodeProgressResponse, encodeAgencyRequest, FrameBuffer } from "../shared/mod.ts";
import { handleArguments } from "../shared/command_line.ts";
import { readServerSettings } from "./settings.ts";
import { HEALTH_USAGE } from "./usage.ts";

/** A healthy server answers within milliseconds. */
const DEADLINE_MS = 2000;
const ANSWER_BYTES_MAX = 64;
const EXIT_UNHEALTHY = 1;
const EXIT_SETTINGS = 2;

/** Where a server listens. */
export interface ServerAddress {
  hostname: string;
  port: number;
}

/**
 * Asks a server for the progress of an agency.
 *
 * @returns The number of its stored bets.
 * @throws If the server cannot be reached, closes the connection, or answers with another packet.
 */
export async function askProgress(
  { hostname, port }: ServerAddress,
  agency: number,
): Promise<number> {
  using connection = await Deno.connect({ hostname, port });
  const request = encodeAgencyRequest("ProgressRequest", agency);
  for (let sent = 0; sent < request.length;) sent += await connection.write(request.subarray(sent));
  const frames = new FrameBuffer(ANSWER_BYTES_MAX);
  for (;;) {
    const answer = frames.take();
    if (answer !== undefined) return decodeProgressResponse(answer);
    const count = await connection.read(frames.space());
    if (count === null) throw new Error(`${hostname}:${port} closed the connection`);
    frames.filled(count);
  }
}

async function main(): Promise<number> {
  try {
    const { port, listenIp, agencies } = readServerSettings();
    const hostname = listenIp === "0.0.0.0" ? "127.0.0.1" : listenIp;
    // On JetStream each question appends a mark, which makes servers read again: no agency bears all of that.
    const agency = 1 + Math.floor(Math.random() * agencies);
    await askProgress({ hostname, port }, agency);
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
