/**
 * Checks whether the datagrams by which servers signal the draw arrive.
 *
 * @module
 */

import type { ServerSettings } from "../../server/settings.ts";
import { withDeadline } from "../../shared/deadline.ts";
import { LOOPBACK_BROADCAST } from "../run/loopback.ts";
import type { Finding } from "./finding.ts";

/** On Linux it reaches every socket of this host, even without a network. */
const TRIES = 5;
const TRY_MS = 300;

/** The settings that this check uses. */
export type BroadcastSettings = Pick<
  ServerSettings,
  "broadcastIp" | "broadcastPort" | "drawPollMs"
>;

/** Sends a broadcast and checks whether two sockets of this host receive it. */
export async function checkBroadcast(settings: BroadcastSettings): Promise<Finding> {
  const { broadcastIp, drawPollMs } = settings;
  const isHere = canReach(broadcastIp, Deno.networkInterfaces());
  const ip = isHere ? broadcastIp : LOOPBACK_BROADCAST;
  const where = isHere
    ? ""
    : `, instead of ${broadcastIp}, whose subnet does not exist here (Docker creates it with the ` +
      "containers),";
  const sockets = openPair(settings.broadcastPort);
  try {
    const { port } = sockets[0].addr as Deno.NetAddr;
    const target = `to ${ip}:${port}${where}`;
    const fault = await broadcast(sockets, ip);
    if (fault === undefined) return { level: "ok", text: `a datagram ${target} arrives` };
    return {
      level: "warning",
      text: `a datagram ${target} does not arrive (${fault}): servers detect the draw by polling ` +
        `every ${drawPollMs / 1000} s instead; allow UDP port ${port} in the firewall, and check ` +
        "UDP_BROADCAST_IP",
    };
  } finally {
    for (const socket of sockets) socket.close();
  }
}

/** The part of a network interface that determines its subnet. */
export type Interface = Pick<Deno.NetworkInterfaceInfo, "family" | "address" | "netmask">;

/** Returns whether `ip` is the broadcast address of one of this host's subnets. */
export function canReach(ip: string, interfaces: readonly Interface[]): boolean {
  return ip === "255.255.255.255" ||
    interfaces.some((one) => one.family === "IPv4" && broadcastOf(one) === ip);
}

function broadcastOf({ address, netmask }: Interface): string {
  const mask = netmask.split(".").map(Number);
  return address.split(".").map((part, index) => Number(part) | (255 - mask[index])).join(".");
}

/** Opens two sockets on the given port or, if others use it exclusively, on a free one. */
function openPair(port: number): Deno.DatagramConn[] {
  try {
    return openBoth(port);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    return openBoth(0);
  }
}

function openBoth(port: number): Deno.DatagramConn[] {
  const options = { transport: "udp", hostname: "0.0.0.0", reuseAddress: true } as const;
  const first = Deno.listenDatagram({ ...options, port });
  try {
    return [first, Deno.listenDatagram({ ...options, port: (first.addr as Deno.NetAddr).port })];
  } catch (error) {
    first.close();
    throw error;
  }
}

/** Broadcasts until all sockets have received it. Returns the reason if they do not. */
async function broadcast(sockets: Deno.DatagramConn[], ip: string): Promise<string | undefined> {
  const { port } = sockets[0].addr as Deno.NetAddr;
  // Servers ignore this payload.
  const word = `doctor ${crypto.randomUUID()}`;
  const received = Promise.all(sockets.map((socket) => receive(socket, word)));
  let reason = `tried ${TRIES} times`;
  for (let tries = 1; tries <= TRIES; tries++) {
    try {
      await sockets[0].send(new TextEncoder().encode(word), {
        transport: "udp",
        hostname: ip,
        port,
      });
    } catch (error) {
      reason = (error as Error).message;
      break;
    }
    const error = () => new Error(reason);
    const isReceived = await withDeadline(received, { timeoutMs: TRY_MS, error })
      .then(() => true, () => false);
    if (isReceived) return undefined;
  }
  received.catch(() => {}); // It rejects when the sockets are closed.
  return reason;
}

async function receive(socket: Deno.DatagramConn, word: string): Promise<void> {
  for (;;) {
    const [payload] = await socket.receive();
    if (new TextDecoder().decode(payload) === word) return;
  }
}
