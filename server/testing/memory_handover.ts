/**
 * The connections between the servers of a volume, in memory.
 *
 * @module
 */

import type {
  HandoverConnection,
  HandoverListener,
  HandoverNetwork,
} from "../ledger/file/handover/channel.ts";
import { Random } from "../../testing/random.ts";
import { endOfProcess, Wire } from "./memory_wire.ts";

/** A process, as far as its connections are concerned. */
interface Process {
  /** Once killed it sends and accepts nothing more. */
  readonly isKilled: boolean;
}

/** What all servers of a volume share: at most one of them listens. */
export class MemoryHandover {
  /** The connections, each with the processes that hold an end. */
  readonly #wires = new Map<Wire, readonly Process[]>();
  readonly #random: Random;
  #listener: Listener | undefined;

  constructor(random: Random = new Random(1)) {
    this.#random = random;
  }

  /** The open connections, the newest one last. */
  get wires(): Wire[] {
    return [...this.#wires.keys()].filter(({ isOpen }) => isOpen);
  }

  /** What a process sees of it. */
  network(process: Process = { isKilled: false }): HandoverNetwork {
    return {
      listen: () => this.#listener = new Listener(process),
      connect: () => Promise.resolve().then(() => this.#connect(process)),
    };
  }

  /** Called with each new connection. */
  onConnect: (wire: Wire) => void = () => {};

  /** Breaks the connections of killed processes, as the system does. */
  breakKilled(): void {
    for (const [wire, processes] of this.#wires) {
      if (processes.some(({ isKilled }) => isKilled)) wire.break();
      if (!wire.isOpen) this.#wires.delete(wire);
    }
  }

  #connect(process: Process): HandoverConnection {
    const listener = this.#listener;
    if (listener === undefined || !listener.isReachable()) {
      throw new Deno.errors.ConnectionRefused("connection refused");
    }
    const wire = new Wire(this.#random);
    this.#wires.set(wire, [process, listener.process]);
    this.onConnect(wire);
    listener.enter(endOfProcess(wire.serverEnd, listener.process));
    return endOfProcess(wire.clientEnd, process);
  }
}

/** Accepts connections for a process. */
class Listener implements HandoverListener {
  readonly process: Process;
  readonly #waiting: HandoverConnection[] = [];
  #isClosed = false;
  #wake: () => void = () => {};

  constructor(process: Process) {
    this.process = process;
  }

  isReachable(): boolean {
    return !this.#isClosed && !this.process.isKilled;
  }

  enter(connection: HandoverConnection): void {
    this.#waiting.push(connection);
    this.#wake();
  }

  close(): void {
    this.#isClosed = true;
    for (const connection of this.#waiting.splice(0)) connection.close();
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<HandoverConnection> {
    while (this.isReachable()) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}
