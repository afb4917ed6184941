/**
 * Subnets that are in use on this machine, to find one that the containers' network would overlap.
 *
 * @module
 */

import { TaskError, unlessNotFound } from "../project.ts";
import { composeProjectName, runDocker } from "./docker.ts";
import { parseSubnet, type Subnet } from "./lottery_settings.ts";

/** A subnet that is in use. */
export interface UsedSubnet {
  /** CIDR notation. */
  text: string;
  /** What uses it, for messages. */
  user: string;
  /** The network interface through which this machine reaches it. */
  device: string;
}

/** A subnet of one of Docker's networks. */
export interface DockerSubnet extends UsedSubnet {
  /** Whether it is that of this checkout's containers. */
  isOwn: boolean;
}

/** The part of Docker's description of a network that is used. */
interface DockerNetwork {
  Name: string;
  Id: string;
  Labels?: Record<string, string> | null;
  Options?: Record<string, string> | null;
  IPAM?: { Config?: { Subnet?: string }[] | null };
}

/** Returns the subnets of Docker's networks. */
export async function dockerSubnets(): Promise<DockerSubnet[]> {
  const ids = (await docker(["network", "ls", "--quiet"])).split("\n").filter((id) => id !== "");
  if (ids.length === 0) return [];
  const project = composeProjectName();
  const lines = await docker(["network", "inspect", "--format", "{{json .}}", ...ids]);
  return lines.split("\n").flatMap((line) => {
    const { Name, Id, Labels, Options, IPAM }: DockerNetwork = JSON.parse(line);
    return (IPAM?.Config ?? []).map(({ Subnet = "" }) => ({
      text: Subnet,
      user: `Docker's network ${Name}`,
      device: Options?.["com.docker.network.bridge.name"] ?? `br-${Id.slice(0, 12)}`,
      isOwn: Labels?.["com.docker.compose.project"] === project,
    }));
  });
}

async function docker(args: string[]): Promise<string> {
  const { success, stdout, stderr } = await runDocker(args);
  if (!success) throw new TaskError(`docker ${args.slice(0, 2).join(" ")} failed: ${stderr}`);
  return stdout;
}

/** Returns the subnets that this machine routes, without the default route. Only Linux has them. */
export async function routedSubnets(): Promise<UsedSubnet[]> {
  return parseRoutes(await unlessNotFound(Deno.readTextFile("/proc/net/route")) ?? "");
}

/** Parses the content of /proc/net/route, which has addresses as hexadecimal, the last byte first. */
export function parseRoutes(table: string): UsedSubnet[] {
  return table.split("\n").slice(1).map((line) => line.split("\t")).flatMap((columns) => {
    const [device, destination, , , , , , mask] = columns;
    if (mask === undefined) return [];
    const prefix = parseInt(mask, 16).toString(2).replaceAll("0", "").length;
    const address = destination.match(/../g)!.reverse().map((byte) => parseInt(byte, 16)).join(".");
    return prefix === 0
      ? []
      : [{ text: `${address}/${prefix}`, user: `the route through ${device}`, device }];
  });
}

/** Whether two IPv4 subnets in CIDR notation have addresses in common. */
export function overlaps(one: string, other: string): boolean {
  const [a, b] = [rangeOf(one), rangeOf(other)];
  return a !== undefined && b !== undefined && a.first <= b.last && b.first <= a.last;
}

function rangeOf(text: string): { first: number; last: number } | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(text);
  if (match === null) return undefined;
  const [prefix, ...bytes] = match.slice(1).map(Number).reverse();
  const address = bytes.reduceRight((value, byte) => value * 256 + byte, 0);
  const size = 2 ** (32 - prefix);
  const first = address - address % size;
  return { first, last: first + size - 1 };
}

/** Returns what is wrong and what to do if a subnet overlaps one of Docker's other networks. */
export function overlapFault({ text }: Subnet, used: readonly DockerSubnet[]): string | undefined {
  const found = used.find((other) => !other.isOwn && overlaps(text, other.text));
  if (found === undefined) return undefined;
  return `${text} overlaps ${found.text} of ${found.user}: ${overlapAdvice({ text }, used)}`;
}

/** Says how to give the containers another subnet: one that is not in use, if there is one near. */
export function overlapAdvice({ text }: Pick<Subnet, "text">, used: readonly UsedSubnet[]): string {
  const free = freeSubnet(text, used);
  const example = (value: string | undefined) => value === undefined ? "" : `, such as ${value}`;
  return `set DOCKET_SUBNET in .env to a free subnet${
    example(free?.text)
  }, and UDP_BROADCAST_IP in ` +
    `server/config.ini to its last address${example(free?.broadcast)}`;
}

/** Returns the next subnet of the same size, among the private addresses, that is not in use. */
function freeSubnet(text: string, used: readonly UsedSubnet[]): Subnet | undefined {
  const range = rangeOf(text);
  const prefix = text.split("/")[1];
  if (range === undefined) return undefined;
  const size = range.last - range.first + 1;
  for (let first = range.last + 1, tries = 0; tries < 1000; first += size, tries++) {
    const address = [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join(".");
    const subnet = parseSubnet(`${address}/${prefix}`);
    if (typeof subnet === "string" || !PRIVATE.some((one) => overlaps(one, subnet.text))) return;
    if (!used.some((other) => overlaps(other.text, subnet.text))) return subnet;
  }
}

/** The addresses that no host of the internet has (RFC 1918). */
const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];
