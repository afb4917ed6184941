/**
 * What `up` itself knows of a run while it goes on: what it is doing, and the state of the services that it has
 * started. Servers say the rest.
 *
 * @module
 */

import { duration, type ServerMark } from "./panel.ts";
import { readServerLine } from "./service_supervisor.ts";

/** How many services a step names. */
const NAMED_MAX = 4;
/** A server that listens answers questions about its status within this time, unless something is wrong with it. */
const ANSWER_MS = 3000;

/** Follows what `up` does. */
export class RunProgress {
  readonly #running = new Set<string>();
  readonly #marks = new Map<string, ServerMark>();
  /** When servers began to listen that have not reported their status since, in milliseconds. */
  readonly #listeningMs = new Map<string, number>();
  readonly #servers: ReadonlySet<string>;
  readonly #services: ReadonlySet<string>;
  readonly #now: () => number;
  #step = "Starting";
  #stepSinceMs: number;
  #isStopping = false;

  /** @param now A monotonic clock, in milliseconds. */
  constructor(
    { servers, others, now = () => performance.now() }: {
      servers: readonly string[];
      /** Nodes and clients. */
      others: readonly string[];
      now?: () => number;
    },
  ) {
    this.#servers = new Set(servers);
    for (const name of servers) this.#marks.set(name, "starting");
    this.#services = new Set([...servers, ...others]);
    this.#now = now;
    this.#stepSinceMs = now();
  }

  /** Whether the run is over, and its services are being stopped. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** What `up` knows of servers that are not simply up. A server that listens has its mark until it answers. */
  get marks(): ReadonlyMap<string, ServerMark> {
    const sinceMs = this.#now() - ANSWER_MS;
    const isLate = (name: string) => (this.#listeningMs.get(name) ?? Infinity) < sinceMs;
    return new Map([...this.#marks].filter(([name]) => !isLate(name)));
  }

  /** Begins a step, such as "Building the images". */
  begin(step: string): void {
    if (step !== this.#step) this.#stepSinceMs = this.#now();
    this.#step = step;
  }

  /** The run is over. */
  stopping(): void {
    this.#isStopping = true;
  }

  /** Takes a line of a service, or of something else. Returns whether a server says in it that it listens. */
  line(name: string, line: string): boolean {
    if (!this.#services.has(name)) return false;
    // What a service has left in a pipe arrives before its end is known.
    this.#running.add(name);
    if (!this.#servers.has(name) || !readServerLine(line).isListening) return false;
    this.#listeningMs.set(name, this.#now());
    return true;
  }

  /** Takes that servers have answered a question which was asked at a time of the clock. */
  answered(names: readonly string[], askedMs: number): void {
    for (const name of names) {
      if ((this.#listeningMs.get(name) ?? Infinity) > askedMs) continue;
      this.#listeningMs.delete(name);
      this.#marks.delete(name);
    }
  }

  /** Takes the end of a service. */
  end(name: string, exitCode: number): void {
    this.#running.delete(name);
    this.#listeningMs.delete(name);
    if (!this.#servers.has(name) || this.#marks.get(name) === "dead") return;
    this.#marks.set(name, exitCode === 0 || this.#isStopping ? "stopped" : "restarting");
  }

  /** A server is not started again. */
  down(name: string): void {
    if (this.#servers.has(name)) this.#marks.set(name, "dead");
  }

  /** Returns the step, how long it has taken, and which services it waits for if they are being stopped. */
  describeStep(): string {
    const seconds = (this.#now() - this.#stepSinceMs) / 1000;
    const time = seconds < 1 ? "" : `, ${duration(seconds)}`;
    const left = this.#isStopping ? [...this.#running] : [];
    return `${this.#step}${time}${left.length === 0 ? "" : `: waiting for ${listNames(left)}`}`;
  }

  /** Names the servers that are not up; nothing if all are. */
  describeServers(): string | undefined {
    const { marks } = this;
    const parts = (["starting", "restarting", "dead", "stopped"] as const).flatMap((mark) => {
      const names = [...marks].filter(([, other]) => other === mark).map(([name]) => name);
      if (names.length === 0) return [];
      const verb = names.length === 1 ? "is" : "are";
      return [
        `${listNames(names)} ${verb} ${mark === "restarting" ? "being started again" : mark}`,
      ];
    });
    return parts.length === 0 ? undefined : parts.join("; ");
  }
}

/** Lists names: `server1 and server3`. */
export function listNames(names: readonly string[]): string {
  const others = names.length - NAMED_MAX;
  const named = others > 1 ? [...names.slice(0, NAMED_MAX), `${others} others`] : names;
  return new Intl.ListFormat("en-GB").format(named);
}
