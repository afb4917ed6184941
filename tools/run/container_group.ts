/**
 * Containers that `docker compose up` starts together, and how they end.
 *
 * @module
 */

import { TaskError } from "../project.ts";
import { type ServiceOptions, settledWithin } from "./cluster.ts";
import type { ComposeProject } from "./docker.ts";
import { ServiceProcess } from "./service_process.ts";
import { overlapAdvice } from "./subnets.ts";

/** How long Docker may take to report that a container has ended. */
export const EVENT_TIMEOUT_MS = 5000;

/** Containers that are started together, with `docker compose up`. */
export class ContainerGroup {
  /** Resolves when `docker compose up` has ended: all of its containers have, or could not start. */
  readonly detached: Promise<unknown>;
  /** The services that have ended, and not started again. */
  readonly ended = new Set<string>();
  readonly #project: ComposeProject;
  readonly #names: readonly string[];
  readonly #options: ServiceOptions;
  readonly #events: ServiceProcess;
  readonly #up: ServiceProcess;
  /** Those of the ended services that have failed. */
  readonly #failed = new Set<string>();
  readonly #endedEvents = new EventTarget();
  #hasOverlap = false;
  #isStopping = false;

  constructor(project: ComposeProject, names: readonly string[], options: ServiceOptions) {
    this.#project = project;
    this.#names = names;
    this.#options = options;
    this.#events = new ServiceProcess({
      ...project.command(["events", "--json", ...names]),
      onLine: (line) => this.#takeEvent(line),
    });
    // Without dependencies: what they name is part of the group, or was started before.
    const up = ["up", "--no-build", "--no-deps", "--force-recreate", "--no-color", ...names];
    this.#up = new ServiceProcess({
      ...project.command(["--ansi", "never", ...up]),
      onLine: (line) => this.#takeLine(line),
    });
    this.detached = this.#up.ended.then((exitCode) => {
      if (this.#isStopping) return;
      options.onLine("docker", `compose up ended with exit code ${exitCode}`);
    });
  }

  /** Returns an error about containers that did not start. */
  failure(): TaskError {
    const advice = this.#hasOverlap
      ? overlapAdvice(this.#options.settings.lottery.subnet, [])
      : "see the lines above";
    return new TaskError(`The containers did not start, or were stopped: ${advice}`);
  }

  /** Stops the containers, and waits until the ends of `awaited` have been reported. */
  async stop(awaited: readonly string[]): Promise<void> {
    this.#isStopping = true;
    // Docker has started those that failed again, as often as their restart policy allows.
    for (const name of this.#failed) this.#options.onDown(name);
    await this.#project.output(["stop", ...this.#names]);
    await settledWithin(this.#up.ended, EVENT_TIMEOUT_MS);
    await settledWithin(
      Promise.race([this.#untilEnded(awaited), this.#events.ended]),
      EVENT_TIMEOUT_MS,
    );
  }

  /** Ends what follows the containers, which must be gone. */
  async release(): Promise<void> {
    await Promise.all([this.#up.stop(EVENT_TIMEOUT_MS), this.#events.stop(EVENT_TIMEOUT_MS)]);
  }

  #untilEnded(names: readonly string[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = () => {
      if (names.every((name) => this.ended.has(name))) resolve();
    };
    this.#endedEvents.addEventListener("ended", check);
    check();
    return promise;
  }

  /** Takes a line of `docker compose up`: `server1-1  | line`, or one of its own. */
  #takeLine(written: string): void {
    // Some versions erase the line on the terminal first, even if there is no terminal.
    // deno-lint-ignore no-control-regex
    const line = written.replaceAll(/\x1b\[\d*K/g, "");
    const match = /^(?:\S+-)?(board|(?:server|client|node)\d+)-\d+\s*\| ?(.*)$/.exec(line);
    if (match !== null) this.#options.onLine(match[1], match[2]);
    else if (line.trim() !== "") {
      // That a service being stopped ends in order is no news, least of all after the verdict.
      if (this.#isStopping && /exited with code 0$/.test(line)) return;
      this.#hasOverlap ||= /pool overlaps/i.test(line);
      this.#options.onLine("docker", line.trim());
    }
  }

  /** Takes a line of `docker compose events`. Only starts and ends of containers matter. */
  #takeEvent(line: string): void {
    let event: { action?: string; service?: string; attributes?: { exitCode?: string } };
    try {
      event = JSON.parse(line);
    } catch {
      return; // a warning of docker compose
    }
    const { action, service = "", attributes } = event;
    if (action === "start") {
      this.ended.delete(service);
      this.#failed.delete(service);
    }
    if (action !== "die") return;
    const exitCode = Number(attributes?.exitCode ?? 1);
    this.ended.add(service);
    if (exitCode !== 0) this.#failed.add(service);
    this.#options.onEnd(service, exitCode);
    this.#endedEvents.dispatchEvent(new Event("ended"));
  }
}
