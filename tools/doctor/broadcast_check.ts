/**
 * Whether the datagram by which servers tell of the draw arrives.
 *
 * @module
 */

import type { ServerSettings } from "../../server/settings.ts";
import type { Finding } from "./finding.ts";

/** Reaches every socket of this host, on Linux, without a network. */
const LOOPBACK_BROADCAST = "127.255.255.255";
const TRIES = 5;
const TRY_MS = 300;

/** The settings that this check is about. */
export type BroadcastSettings = Pick<
  ServerSettings,
  "broadcastIp" | "broadcastPort" | "drawPollMs"
>;

/** Sends a broadcast, and looks whether two sockets of this host receive it. */
export async function checkBroadcast(settings: BroadcastSettings): Promise<Finding> {
  const { broadcastIp, drawPollMs } = settings;
  const isHere = canReach(broadcastIp, Deno.networkInterfaces());
  const ip = isHere ? broadcastIp : LOOPBACK_BROADCAST;
  const where = isHere
    ? ""
    : `, in place of ${broadcastIp}, whose subnet this host is not in (Docker makes it with the ` +
      "containers)";
  const sockets = openPair(settings.broadcastPort);
  try {
    const { port } = sockets[0].addr as Deno.NetAddr;
    const target = `to ${ip}:${port}${where}`;
    const fault = await broadcast(sockets, ip);
    if (fault === undefined) return { level: "ok", text: `a datagram ${target} arrives` };
    return {
      level: "warning",
      text: `a datagram ${target} does not arrive (${fault}): servers find the draw by looking ` +
        `every ${drawPollMs / 1000} s instead; allow UDP port ${port} in the firewall, and check ` +
        "UDP_BROADCAST_IP",
    };
  } finally {
    for (const socket of sockets) socket.close();
  }
}

/** The part of a network interface that is needed to know its subnet. */
export type Interface = Pick<Deno.NetworkInterfaceInfo, "family" | "address" | "netmask">;

/** Whether `ip` is the broadcast address of a subnet that this host is in. */
export function canReach(ip: string, interfaces: readonly Interface[]): boolean {
  return ip === "255.255.255.255" ||
    interfaces.some((one) => one.family === "IPv4" && broadcastOf(one) === ip);
}

function broadcastOf({ address, netmask }: Interface): string {
  const mask = netmask.split(".").map(Number);
  return address.split(".").map((part, index) => Number(part) | (255 - mask[index])).join(".");
}

/** Two sockets on the port of the settings or, where others use it, on any free one. */
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

/** Broadcasts until all sockets have heard it; returns why they have not. */
async function broadcast(sockets: Deno.DatagramConn[], ip: string): Promise<string | undefined> {
  const { port } = sockets[0].addr as Deno.NetAddr;
  // Servers that hear it pass it over: it is not their word.
  const word = `doctor ${crypto.randomUUID()}`;
  let isHeard = false;
  const heard = Promise.all(sockets.map((socket) => hear(socket, word))).then(
    () => isHeard = true,
    () => {}, // The sockets are closed when nothing has come.
  );
  for (let tries = 1; tries <= TRIES && !isHeard; tries++) {
    try {
      await sockets[0].send(new TextEncoder().encode(word), {
        transport: "udp",
        hostname: ip,
        port,
      });
    } catch (error) {
      return (error as Error).message;
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => timer = setTimeout(resolve, TRY_MS));
    await Promise.race([heard, late]);
    clearTimeout(timer);
  }
  return isHeard ? undefined : `tried ${TRIES} times`;
}

async function hear(socket: Deno.DatagramConn, word: string): Promise<void> {
  for (;;) {
    const [payload] = await socket.receive();
    if (new TextDecoder().decode(payload) === word) return;
  }
}
