/**
 * A bad network between a server and a node: a TCP proxy that holds back or loses what one side sends.
 *
 * @module
 */

import type { Address } from "../../testing/ports.ts";

/** Takes what a side has sent, and whether it was lost. */
export type LinkWatch = (side: Side, bytes: Uint8Array, isLost: boolean) => void;

/** Who sends. */
export type Side = "server" | "node";

/** Forwards connections to a node until disposed of. */
export class LinkProxy implements AsyncDisposable {
  readonly #target: Address;
  readonly #watch: LinkWatch;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.TcpConn>();
  readonly #pumps = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;
  /** What happens to the bytes of each side: undefined, they pass. */
  readonly #faults: Record<Side, "lost" | PromiseWithResolvers<void> | undefined> = {
    server: undefined,
    node: undefined,
  };

  /** @param watch Sees what passes. It is called before anything is forwarded. */
  constructor(target: Address, watch: LinkWatch = () => {}) {
    this.#target = target;
    this.#watch = watch;
    this.#accepting = this.#accept();
  }

  get address(): Address {
    return { hostname: "127.0.0.1", port: this.#listener.addr.port };
  }

  /** Holds back what a side sends from now on, until {@linkcode release}. */
  hold(side: Side): void {
    this.#faults[side] = Promise.withResolvers();
  }

  /** Loses what a side sends from now on. The connections are of no use any more: see {@linkcode cut}. */
  lose(side: Side): void {
    this.#faults[side] = "lost";
  }

  /** Lets everything pass. What was held back arrives now, even if its sender has hung up since. */
  release(): void {
    for (const side of ["server", "node"] as const) {
      const fault = this.#faults[side];
      this.#faults[side] = undefined;
      if (typeof fault === "object") fault.resolve();
    }
  }

  /** Closes all connections. */
  cut(): void {
    for (const connection of this.#open) this.#close(connection);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.release();
    this.cut();
    await this.#accepting;
    await Promise.all(this.#pumps);
  }

  async #accept(): Promise<void> {
    for (;;) {
      let server: Deno.TcpConn;
      try {
        server = await this.#listener.accept();
      } catch {
        return;
      }
      const serving = this.#serve(server).finally(() => this.#pumps.delete(serving));
      this.#pumps.add(serving);
    }
  }

  async #serve(server: Deno.TcpConn): Promise<void> {
    this.#open.add(server);
    try {
      const node = await Deno.connect(this.#target);
      this.#open.add(node);
      server.setNoDelay(true);
      node.setNoDelay(true);
      await Promise.all([this.#pump("server", server, node), this.#pump("node", node, server)]);
      this.#close(node);
    } catch {
      // The node is down.
    }
    this.#close(server);
  }

  /** Forwards what `from` sends until it ends or breaks. */
  async #pump(side: Side, from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const chunk = new Uint8Array(64 * 1024);
    try {
      for (;;) {
        const count = await from.read(chunk);
        const fault = this.#faults[side];
        if (typeof fault === "object") await fault.promise;
        if (count === null) break;
        this.#watch(side, chunk.subarray(0, count), fault === "lost");
        if (fault === "lost") continue;
        for (let at = 0; at < count;) at += await to.write(chunk.subarray(at, count));
      }
      await to.closeWrite();
    } catch {
      // The other direction notices, unless it is held back.
      if (side === "node") this.#close(from);
      else this.#close(to);
    }
  }

  #close(connection: Deno.TcpConn): void {
    if (this.#open.delete(connection)) connection.close();
  }
}
