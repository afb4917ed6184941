/**
 * IPv4 subnets, as Docker's networks have them.
 *
 * @module
 */

import { isIpv4 } from "../../shared/config.ts";

/** A subnet such as 172.25.125.0/24. */
export interface Subnet {
  /** As written in CIDR notation, `network/prefix`. */
  text: string;
  /** The last address: a datagram to it reaches every host. */
  broadcast: string;
  /** Addresses that hosts can have: all but the network's, the broadcast's and the gateway's. */
  hostsMax: number;
}

/** Docker makes no network of more or fewer addresses than these prefixes leave. */
const PREFIX_MIN = 8;
const PREFIX_MAX = 29;

/**
 * Reads a subnet in CIDR notation.
 *
 * @returns The subnet, or what is wrong with the text.
 */
export function parseSubnet(text: string): Subnet | { fault: string } {
  const [address, prefixText, ...rest] = text.split("/");
  const prefix = /^\d{1,2}$/.test(prefixText ?? "") ? Number(prefixText) : NaN;
  const isWritten = rest.length === 0 && isIpv4(address);
  if (!isWritten || !(prefix >= PREFIX_MIN && prefix <= PREFIX_MAX)) {
    return { fault: `give ADDRESS/PREFIX, such as 172.25.125.0/24, the prefix from 8 to 29` };
  }
  const size = 2 ** (32 - prefix);
  const value = addressValue(address);
  const network = value - value % size;
  if (network !== value) {
    return { fault: `its first address is ${addressText(network)}: give that one` };
  }
  return { text, broadcast: addressText(network + size - 1), hostsMax: size - 3 };
}

function addressValue(address: string): number {
  return address.split(".").reduce((value, part) => value * 256 + Number(part), 0);
}

function addressText(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}
