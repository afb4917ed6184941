/**
 * The environment of servers and clients that the harness starts on this machine. Settings that do not matter
 * to it are those of the configuration files.
 *
 * @module
 */

import { LOOPBACK, LOOPBACK_BROADCAST } from "../tools/run/loopback.ts";
import type { Address } from "./ports.ts";

/** The number that wins. */
export const WINNING_NUMBER = 7574;

/** What distinguishes one server of the harness from another. */
export interface ServerParameters {
  /** The address on which it listens. @default {LOOPBACK} */
  listenIp?: string;
  /** The TCP port; 0 takes any free one. */
  port: number;
  /** The UDP port of the servers that share the volume. */
  broadcastPort: number;
  agencies: number;
  /** The folder of bets.csv and agencies_closed.txt. */
  volume: string;
}

/** Returns the environment of a server. */
export function serverEnvironment(
  { listenIp = LOOPBACK, port, broadcastPort, agencies, volume }: ServerParameters,
): Record<string, string> {
  return {
    SERVER_PORT: String(port),
    SERVER_LISTEN_IP: listenIp,
    // Servers share at least the port of their broadcasts.
    SERVER_REUSE_PORT: "true",
    UDP_BROADCAST_IP: LOOPBACK_BROADCAST,
    UDP_BROADCAST_PORT: String(broadcastPort),
    AGENCIES_AMOUNT: String(agencies),
    LOGGING_LEVEL: "INFO",
    LOTTERY_WINNER_NUMBER: String(WINNING_NUMBER),
    SHARED_VOLUME: volume,
  };
}

/** What distinguishes one client of the harness from another. */
export interface ClientParameters {
  agency: number;
  /** Where the servers listen. */
  address: Address;
  /** The agency's file of bets, or the folder of its agency-N.csv. */
  data: string;
}

/** Returns the environment of a client. */
export function clientEnvironment(
  { agency, address: { hostname, port }, data }: ClientParameters,
): Record<string, string> {
  return { CLI_ID: String(agency), CLI_SERVER_ADDRESS: `${hostname}:${port}`, CLI_DATA: data };
}
