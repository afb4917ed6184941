/**
 * The ledger on JetStream in a simulation: a replicated log in memory with elections, late, lost and
 * misleading answers; servers are killed between two messages, and cut off from the cluster.
 *
 * @module
 */

import type { Ledger } from "../../server/ledger/ledger.ts";
import type { ReplicatedLog } from "../../server/ledger/jetstream/replicated_log.ts";
import { ReplicatedLedger } from "../../server/ledger/jetstream/replicated_ledger.ts";
import { type Fate, MemoryCluster, type Transit } from "../../server/testing/memory_cluster.ts";
import type { MemoryLog } from "../../server/testing/memory_log.ts";
import { WINNING_NUMBER } from "../../testing/lottery_environment.ts";
import type { Random } from "../../testing/random.ts";
import type { Incidents } from "./incidents.ts";
import type { EngineOptions, ServerProcess, SimulatedEngine } from "./simulated_engine.ts";
import type { Protection } from "./protections.ts";
import { agencyOf, firstAgencyOf, MISSING_GUARANTEES, weakened } from "./weakened_log.ts";

/** Two streams, so that some agencies share one. */
const PARTITIONS = 2;

/** Longest time of an attempt, and of a call. The latter lies within the patience of agencies. */
const ATTEMPT_MS = 100;
const DEADLINE_MS = 400;
const PAUSE_MS = 20;
const ANSWER_TIMEOUT_MS = 500;
/** A late message may arrive long after every attempt to send it again. */
const LATE_MS_MAX = 3000;
const ELECTION_MS_MAX = 1500;
const CUT_MS_MAX = 1500;
/** Longer than a turn of the clock, so that much can happen in between. Twice a way and a commit: an attempt. */
const TRANSIT_MS_MAX = 30;
const COMMIT_MS_MAX = 30;
/** By how much slow followers delay a commit, and for how long they are slow. */
const SLOW_MS_MAX = { delay: 400, time: 1000 };
/** Longest time until a server follows what another one has stored. */
const LAG_MS_MAX = 200;
/** An incident happens within this time. */
const SOON_MS = 25;

/** Each incident happens in one of this many turns. One in `fate` messages is lost or late. */
const CHANCES = {
  kill: 30,
  elect: 40,
  slow: 30,
  cut: 50,
  loseMajority: 300,
  powerCut: 400,
  fate: 20,
};
/** A kill hits the server that sends or receives one of the next messages. */
const KILL_WITHIN_MESSAGES = 15;

/** The cluster and the processes that use it. */
export class JetstreamEngine implements SimulatedEngine {
  readonly answerTimeoutMs = ANSWER_TIMEOUT_MS;
  readonly #random: Random;
  readonly #incidents: Incidents;
  readonly #cluster: MemoryCluster;
  readonly #without: Protection | undefined;
  readonly #processes = new Map<MemoryLog, ServerProcess>();
  /** Messages that still pass before a server is killed. */
  #killIn = Infinity;

  constructor({ random, incidents, without }: EngineOptions) {
    this.#random = random;
    this.#incidents = incidents;
    this.#without = without;
    this.#cluster = new MemoryCluster({
      partitions: PARTITIONS,
      random,
      commitMsMax: COMMIT_MS_MAX,
      transitMsMax: TRANSIT_MS_MAX,
      lateMsMax: LATE_MS_MAX,
      without: without && MISSING_GUARANTEES[without],
    });
    this.#cluster.fate = (transit) => this.#fateOf(transit);
  }

  process(): ServerProcess {
    const log = this.#cluster.connect({
      attemptMs: ATTEMPT_MS,
      readMs: ATTEMPT_MS,
      lagMsMax: LAG_MS_MAX,
    });
    let isKilled = false;
    const process: ServerProcess = {
      get isKilled() {
        return isKilled;
      },
      kill: () => {
        isKilled = true;
        log.kill();
        this.#processes.delete(log);
      },
      open: ({ agencies }) => Promise.resolve(this.#open(log, agencies)),
    };
    this.#processes.set(log, process);
    return process;
  }

  causeIncidents(): void {
    const random = this.#random;
    const { streams } = this.#cluster;
    this.#maybe(CHANCES.kill, () => this.#killIn = random.below(KILL_WITHIN_MESSAGES));
    this.#maybe(CHANCES.elect, () => random.pick(streams).elect(random.below(ELECTION_MS_MAX)));
    this.#maybe(CHANCES.slow, () => {
      const { delay, time } = SLOW_MS_MAX;
      random.pick(streams).slowDown(random.below(delay), random.below(time));
    });
    this.#maybe(CHANCES.cut, () => this.#cutOff());
    this.#maybe(
      CHANCES.loseMajority,
      () => this.#cluster.loseMajority(random.below(ELECTION_MS_MAX)),
    );
    this.#maybe(CHANCES.powerCut, () => this.#cutPower());
  }

  bets(): Uint8Array {
    const pieces = this.#cluster.stored.map(({ rows }) => rows);
    return new Uint8Array(pieces.flatMap((rows) => [...rows]));
  }

  closed(): string {
    const closes = this.#cluster.stored.filter(({ kind }) => kind === "close");
    return closes.map(({ agency }) => `${agencyOf(agency)}\n`).join("");
  }

  #open(log: ReplicatedLog, agencies: number): Ledger {
    const options = {
      id: "5e1f0f6e-4c0a-4a8e-9c3b-2f6f0a3a9d11",
      createdAt: "2026-11-23T10:00:00.000Z",
      agencies,
      winningNumber: WINNING_NUMBER,
      deadlineMs: DEADLINE_MS,
      pauseMs: PAUSE_MS,
      now: Date.now,
    };
    const ledger = new ReplicatedLedger(weakened(log, this.#without), options);
    switch (this.#without) {
      case "every close": {
        const hasty = new ReplicatedLedger(firstAgencyOf(log), { ...options, agencies: 1 });
        ledger.draw = hasty.draw.bind(hasty);
        ledger.onChange = hasty.onChange.bind(hasty);
        break;
      }
      case "notices":
        ledger.onChange = () => {};
    }
    return ledger;
  }

  /** Lets something happen soon, with one chance in `chance`. */
  #maybe(chance: number, incident: () => void): void {
    if (!this.#incidents.happens(chance)) return;
    this.#cluster.timers.after(this.#random.below(SOON_MS), incident);
  }

  /** Cuts one server off from the cluster. */
  #cutOff(): void {
    const clients = [...this.#processes.keys()];
    if (clients.length > 0) this.#random.pick(clients).cut(this.#random.below(CUT_MS_MAX));
  }

  #fateOf({ client }: Transit): Fate {
    if (this.#killIn-- <= 0) {
      this.#killIn = Infinity;
      const isSent = this.#random.once(2);
      this.#processes.get(client)?.kill();
      if (!isSent) return "lost";
    }
    if (!this.#incidents.happens(CHANCES.fate)) return "arrives";
    return this.#random.once(2) ? "lost" : "late";
  }

  #cutPower(): void {
    for (const process of [...this.#processes.values()]) process.kill();
    this.#cluster.loseMajority(this.#random.below(ELECTION_MS_MAX));
  }
}
