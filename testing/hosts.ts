/**
 * Hosts on this machine: network namespaces with an address each, on a network of nodes and on one of
 * clients. The two can be cut separately. Linux, root.
 *
 * @module
 */

import type { ProgramOptions } from "./program.ts";

/** The networks lie in the ranges for measurements of networks (RFC 2544), which no network uses. */
const NODES_RANGE = "198.18";
const CLIENTS_RANGE = "198.19";
/** Where `ip netns exec` looks for the files of a namespace that replace those of /etc. */
const ETC = "/etc/netns";
/** The host part of the addresses of this process. */
const OWN_HOST = 250;

/** One host. */
export interface Host {
  /** The name of its namespace. */
  name: string;
  /** Its address on the network of nodes. */
  nodesIp: string;
  /** Its address on the network of clients. */
  clientsIp: string;
}

/** The networks of hosts. */
type Network = "nodes" | "clients";

/** Hosts, and a switch between them. All is removed at the end of the block; programs must have ended. */
export class Hosts implements AsyncDisposable {
  readonly hosts: readonly Host[];
  readonly #prefix: string;

  /** Makes the hosts. */
  constructor(count: number) {
    const [random] = crypto.getRandomValues(new Uint32Array(1));
    // Names of interfaces have at most 15 characters.
    this.#prefix = `lt${(random % 0xffffff).toString(36)}`;
    const network = 1 + random % OWN_HOST;
    this.hosts = Array.from({ length: count }, (_, index) => ({
      name: `${this.#prefix}h${index + 1}`,
      nodesIp: `${NODES_RANGE}.${network}.${index + 1}`,
      clientsIp: `${CLIENTS_RANGE}.${network}.${index + 1}`,
    }));
    try {
      ip("netns", "add", this.#switch);
      this.#makeNetwork("nodes", `${NODES_RANGE}.${network}.${OWN_HOST}`);
      this.#makeNetwork("clients", `${CLIENTS_RANGE}.${network}.${OWN_HOST}`);
      for (const index of this.hosts.keys()) this.#makeHost(index);
    } catch (error) {
      this.#remove();
      throw error;
    }
  }

  /** Returns the program as one that runs on a host. */
  on({ name }: Host, program: ProgramOptions): ProgramOptions {
    const { command = Deno.execPath(), args } = program;
    return { ...program, command: "ip", args: ["netns", "exec", name, command, ...args] };
  }

  /** Lets a name lead to several addresses on a host, as a name server would. */
  name({ name }: Host, { hostname, addresses }: { hostname: string; addresses: string[] }): void {
    Deno.mkdirSync(`${ETC}/${name}`, { recursive: true });
    const lines = addresses.map((address) => `${address} ${hostname}\n`);
    Deno.writeTextFileSync(`${ETC}/${name}/hosts`, `127.0.0.1 localhost\n${lines.join("")}`);
  }

  /** Cuts a host off the network of nodes. It keeps its addresses, and reaches itself. */
  cut(host: Host): void {
    this.#setLink(host, "nodes", "down");
  }

  /** Joins a host to the network of nodes again. */
  join(host: Host): void {
    this.#setLink(host, "nodes", "up");
  }

  /** Cuts a host off both networks, as if its power failed. Its programs have to be killed as well. */
  unplug(host: Host): void {
    this.#setLink(host, "nodes", "down");
    this.#setLink(host, "clients", "down");
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#remove();
    return Promise.resolve();
  }

  /** The switch has a namespace of its own, so that no firewall of this machine applies to it. */
  get #switch(): string {
    return `${this.#prefix}sw`;
  }

  /** Makes a network, and joins this process to it. */
  #makeNetwork(network: Network, ownIp: string): void {
    const own = `${this.#prefix}${network.slice(0, 1)}`;
    this.#inSwitch("link", "add", "name", network, "type", "bridge");
    this.#inSwitch("link", "set", network, "up");
    const peer = ["peer", "name", `${network}0`, "netns", this.#switch];
    ip("link", "add", "name", own, "type", "veth", ...peer);
    this.#inSwitch("link", "set", `${network}0`, "master", network, "up");
    ip("address", "add", `${ownIp}/24`, "dev", own);
    ip("link", "set", own, "up");
  }

  #makeHost(index: number): void {
    const { name, nodesIp, clientsIp } = this.hosts[index];
    ip("netns", "add", name);
    ip("-n", name, "link", "set", "lo", "up");
    for (const [network, address] of [["nodes", nodesIp], ["clients", clientsIp]] as const) {
      const port = `${network}${index + 1}`;
      const peer = ["peer", "name", port, "netns", this.#switch];
      ip("link", "add", "name", network, "netns", name, "type", "veth", ...peer);
      this.#inSwitch("link", "set", port, "master", network, "up");
      ip("-n", name, "address", "add", `${address}/24`, "dev", network);
      ip("-n", name, "link", "set", network, "up");
    }
  }

  #setLink(host: Host, network: Network, state: "up" | "down"): void {
    this.#inSwitch("link", "set", `${network}${this.hosts.indexOf(host) + 1}`, state);
  }

  #inSwitch(...args: string[]): void {
    ip("-n", this.#switch, ...args);
  }

  /** Removing a namespace removes its ends of all links, and with them the other ends. */
  #remove(): void {
    for (const name of [...this.hosts.map(({ name }) => name), this.#switch]) {
      new Deno.Command("ip", { args: ["netns", "delete", name], stderr: "null" }).outputSync();
      new Deno.Command("rm", { args: ["-rf", `${ETC}/${name}`] }).outputSync();
    }
  }
}

/** Returns whether this process may make hosts. */
export function canMakeHosts(): boolean {
  try {
    new Hosts(1)[Symbol.asyncDispose]();
    return true;
  } catch {
    return false;
  }
}

function ip(...args: string[]): void {
  const { success, stderr } = new Deno.Command("ip", { args }).outputSync();
  if (success) return;
  throw new Error(`Cannot run ip ${args.join(" ")}: ${new TextDecoder().decode(stderr).trim()}`);
}
