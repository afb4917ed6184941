/**
 * Ranges of IPv4 addresses, as a setting lists them.
 *
 * @module
 */

import { isIpv4 } from "../shared/config.ts";

/** A range of IPv4 addresses, each as an integer. */
export interface Ipv4Range {
  first: number;
  last: number;
}

/**
 * Parses a list such as `10.0.0.7, 192.168.0.0/16`.
 *
 * @returns `undefined` if it is invalid.
 */
export function parseIpv4Ranges(list: string): Ipv4Range[] | undefined {
  if (list.trim() === "") return [];
  const ranges = list.split(",").map((text) => parseRange(text.trim()));
  return ranges.includes(undefined) ? undefined : ranges as Ipv4Range[];
}

/** Returns whether an address is in one of the ranges. */
export function isWithin(ranges: readonly Ipv4Range[], address: string): boolean {
  if (ranges.length === 0 || !isIpv4(address)) return false;
  const integer = integerOf(address);
  return ranges.some(({ first, last }) => integer >= first && integer <= last);
}

function parseRange(text: string): Ipv4Range | undefined {
  const [, address, prefix = "32"] = /^([\d.]+)(?:\/(\d{1,2}))?$/.exec(text) ?? [];
  if (address === undefined || !isIpv4(address) || Number(prefix) > 32) return undefined;
  const size = 2 ** (32 - Number(prefix));
  const first = Math.floor(integerOf(address) / size) * size;
  return { first, last: first + size - 1 };
}

function integerOf(address: string): number {
  return address.split(".").reduce((integer, part) => 256 * integer + Number(part), 0);
}
