/**
 * The ledger on files in a simulation: a disk in memory, whose processes are killed in the middle of an
 * operation, and which loses power; connections between servers break, and datagrams are lost and forged.
 *
 * @module
 */

import type { DiskFile } from "../../server/ledger/disk.ts";
import { openFileLedger } from "../../server/ledger/file/file_ledger.ts";
import { BETS_FILE, LOG_PREFIX } from "../../server/ledger/file/volume_files.ts";
import type { Ledger } from "../../server/ledger/ledger.ts";
import { MemoryHandover } from "../../server/testing/memory_handover.ts";
import { MemoryDisk, type MemoryProcess } from "../../server/testing/memory_disk.ts";
import { WINNING_NUMBER } from "../../testing/lottery_environment.ts";
import type { Random } from "../../testing/random.ts";
import type { Incidents } from "./incidents.ts";
import { DatagramNetwork } from "./datagrams.ts";
import type { Protection } from "./protections.ts";
import type {
  EngineOptions,
  ServerProcess,
  SimulatedEngine,
  SimulatedLedgerOptions,
} from "./simulated_engine.ts";
import { storeLostBatches, weakenedNetwork } from "./weakened_handover.ts";

const ANSWER_TIMEOUT_MS = 200;
/** How often a server looks for a draw that no datagram has announced. */
const POLL_MS = 1000;
/** So small that servers often have to make a checkpoint. */
const LOG_BYTES = 8 * 4096;
const NEVER_MS = 3_600_000;

/** Each incident happens in one of this many turns. One in `doom` connections between servers will break. */
const CHANCES = { kill: 10, forge: 30, powerCut: 150, breakWire: 20, doom: 4 };
/** Such a connection breaks within this many bytes: a few frames. */
const DOOMED_BYTES = 1000;
/** A kill hits one of the next operations on the disk. A write then leaves this many bytes at most. */
const KILL_WITHIN = { operations: 25, bytes: 120 };

/** The files of all servers. */
export class FileEngine implements SimulatedEngine {
  readonly answerTimeoutMs = ANSWER_TIMEOUT_MS;
  readonly #random: Random;
  readonly #incidents: Incidents;
  readonly #without: Protection | undefined;
  readonly #datagrams: DatagramNetwork;
  readonly #handover: MemoryHandover;
  /** The processes that use {@linkcode #disk}. */
  readonly #processes = new Set<MemoryProcess>();
  #disk = new MemoryDisk();

  constructor({ random, incidents, without }: EngineOptions) {
    this.#random = random;
    this.#incidents = incidents;
    this.#without = without;
    this.#datagrams = new DatagramNetwork(random);
    this.#handover = new MemoryHandover(random);
    this.#handover.onConnect = (wire) => {
      if (!incidents.happens(CHANCES.doom)) return;
      wire.breakAfter(1 + random.below(DOOMED_BYTES), random.once(2) ? "server" : "client");
    };
  }

  process(): ServerProcess {
    const process = this.#disk.process();
    this.#processes.add(process);
    weaken(process, this.#without);
    return {
      get isKilled() {
        return process.isKilled;
      },
      kill: () => {
        process.kill();
        this.#processes.delete(process);
      },
      open: (options) => this.#open(process, options),
    };
  }

  causeIncidents(): void {
    const incidents = this.#incidents;
    if (incidents.happens(CHANCES.kill)) this.#killSoon();
    if (incidents.happens(CHANCES.forge)) this.#datagrams.forge();
    if (incidents.happens(CHANCES.powerCut)) this.#cutPower();
    this.#handover.breakKilled();
    const { wires } = this.#handover;
    if (wires.length > 0 && incidents.happens(CHANCES.breakWire)) this.#random.pick(wires).break();
  }

  bets(): Uint8Array {
    return this.#disk.bytes("bets.csv");
  }

  closed(): string {
    return this.#disk.text("agencies_closed.txt");
  }

  async #open(
    process: MemoryProcess,
    { agencies, log }: SimulatedLedgerOptions,
  ): Promise<Ledger> {
    const without = this.#without;
    const ledger = await openFileLedger(process, {
      agencies: without === "every close" ? 1 : agencies,
      winningNumber: WINNING_NUMBER,
      log,
      logBytes: LOG_BYTES,
      signal: this.#datagrams.open(),
      pollMs: without === "polls" ? NEVER_MS : POLL_MS,
      handover: weakenedNetwork(this.#handover.network(process), without),
      now: Date.now,
    });
    if (without === "doubt of handed batches") storeLostBatches(ledger);
    return ledger;
  }

  /** Kills the server that does one of the next operations on the disk, in the middle of it. */
  #killSoon(): void {
    const disk = this.#disk;
    const at = disk.operations + 1 + this.#random.below(KILL_WITHIN.operations);
    const bytes = this.#random.below(KILL_WITHIN.bytes);
    disk.fault = ({ number }) => number === at ? { kind: "kill", bytes } : undefined;
  }

  /** Kills all servers. New ones start on what is left on the disk. */
  #cutPower(): void {
    for (const process of this.#processes) process.kill();
    this.#processes.clear();
    this.#disk = this.#disk.cutPower((states) => this.#random.pick(states));
  }
}

/** Switches a protection off in a process. */
function weaken(process: MemoryProcess, without: Protection | undefined): void {
  if (without === "sync") changeFiles(process, "", UNSYNCED);
  if (without === "sync of logs") changeFiles(process, LOG_PREFIX, UNSYNCED);
  if (without === "order of checkpoints") changeFiles(process, BETS_FILE, UNSYNCED, "exactly");
  if (without !== "locks of logs") return;
  const find = process.find.bind(process);
  process.find = (name) => {
    const file = find(name);
    return file && Object.assign(file, { tryLock: () => true });
  };
}

const UNSYNCED: Partial<DiskFile> = { syncNow: () => {}, sync: () => Promise.resolve() };

/** Changes the files of a process whose names begin so, or are exactly so. */
function changeFiles(
  process: MemoryProcess,
  name: string,
  change: Partial<DiskFile>,
  how?: "exactly",
): void {
  const open = process.open.bind(process);
  process.open = (opened) => {
    const isMeant = how === "exactly" ? opened === name : opened.startsWith(name);
    return isMeant ? Object.assign(open(opened), change) : open(opened);
  };
}
