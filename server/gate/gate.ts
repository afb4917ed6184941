/**
 * The gate of a server whose agencies have keys: a connection passes it before its first packet, and speaks for one
 * agency from then on.
 *
 * @module
 */

import { NOT_ADMITTED } from "../../shared/answers.ts";
import { decodeAuthPacket, encodeAuthPacket } from "../../shared/auth_packets.ts";
import { equalInConstantTime } from "../../shared/bytes.ts";
import type { ActionLog } from "../../shared/logging.ts";
import { PacketError } from "../../shared/mod.ts";
import { pause } from "../../shared/pause.ts";
import { beginServer, ScramError, type Verifier } from "../../shared/scram.ts";
import { WatchedFiles } from "../transport/watched_files.ts";
import { type AgencyKeys, verifierOf } from "./agency_keys.ts";
import { GuessDelays } from "./guess_delays.ts";
import { readKeyFile } from "./key_file.ts";

const REFUSAL = encodeAuthPacket("AuthResponse", NOT_ADMITTED);
/**
 * How many attempts may wait at a time because their addresses have failed before: they occupy places that agencies
 * need.
 */
const WAITING_MAX = 32;

/** What the gate uses of a connection. */
export interface Visitor {
  /** Reads the next packet; returns nothing after the last one. */
  nextLine(): Promise<Uint8Array | undefined>;
  write(bytes: Uint8Array): Promise<void>;
  /** Aborted when the connection ends. */
  signal: AbortSignal;
  /** Called when the key with which it was admitted is no longer valid. */
  onRevoked(): void;
}

/** Where a visitor comes from. */
export interface Origin {
  /** Its address and port. */
  peer: string;
  /** What counts as its address. */
  source: string;
}

/** The right to speak for an agency. */
export interface Admission extends Disposable {
  readonly agency: number;
}

/** Options of {@linkcode Gate}. */
export interface GateOptions {
  /** AGENCY_KEYS. */
  path: string;
  log: ActionLog;
  /** Logs what strangers can cause any number of times. */
  warnings: { warn(action: string, error: string, details: Record<string, string>): void };
  /** Records who was admitted, and who was not. @default {nothing is recorded} */
  audit?: {
    admitted(peer: { address: string; agency: number }): void;
    refused(peer: { address: string; reason: string }): void;
  };
  /** A monotonic clock, in milliseconds. */
  now: () => number;
  /** How often to look for changes of the file, in milliseconds; 0 for never. @default {2000} */
  intervalMs?: number;
  /** Waits for a time, or until the signal aborts. @default {with a timer} */
  pause?: (timeMs: number, signal: AbortSignal) => Promise<void>;
}

/** Why a peer was not admitted, for the log. It quotes nothing that was sent, and is never sent to the peer. */
class NotAdmitted extends Error {
  /** Whether the key was wrong, and not only the packets. */
  readonly isGuess: boolean;

  constructor(reason: string, { isGuess = true } = {}) {
    super(reason);
    this.isGuess = isGuess;
  }
}

/** An admission that is still valid. */
interface Admitted {
  agency: number;
  verifier: Verifier;
  peer: string;
  onRevoked: () => void;
}

/** Admits those who know the key of an agency. */
export class Gate implements Disposable {
  readonly #options: GateOptions;
  readonly #delays: GuessDelays;
  readonly #pause: NonNullable<GateOptions["pause"]>;
  readonly #watch: WatchedFiles;
  readonly #admitted = new Set<Admitted>();
  #keys: AgencyKeys;
  #waiting = 0;
  /** How many were not admitted. */
  refused = 0;

  /** @throws If the file cannot be used. */
  constructor(options: GateOptions) {
    const { path, intervalMs, now } = options;
    this.#pause = options.pause ?? pause;
    this.#options = options;
    this.#delays = new GuessDelays(now);
    this.#keys = readKeyFile(path);
    this.#logInUse();
    this.#watch = new WatchedFiles({ paths: [path], onChange: () => this.#reload(), intervalMs });
  }

  /**
   * Authenticates a visitor as an agency.
   *
   * @returns The admission, to be disposed of when the connection ends; nothing if the connection must end now.
   */
  async admit(visitor: Visitor, origin: Origin): Promise<Admission | undefined> {
    try {
      return await this.#exchange(visitor, origin);
    } catch (error) {
      if (!(error instanceof NotAdmitted)) throw error;
      if (error.isGuess) this.#delays.failed(origin.source);
      this.#logRefused(origin.peer, error.message);
      await visitor.write(REFUSAL);
      return undefined;
    }
  }

  /** Checks whether the file has changed, which also happens periodically. */
  async look(): Promise<void> {
    await this.#watch.look();
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }

  async #exchange(
    visitor: Visitor,
    { peer, source }: Origin,
  ): Promise<Admission | undefined> {
    const request = await visitor.nextLine();
    if (request === undefined) return undefined;
    const exchange = decode(() => beginServer(decodeAuthPacket("AuthRequest", request)));
    const { agency, verifier } = await verifierOf(this.#keys, exchange.name);
    const challenge = exchange.challenge(verifier);
    await visitor.write(encodeAuthPacket("AuthChallenge", challenge.message));
    const proof = await visitor.nextLine();
    // A peer that leaves now has learned nothing secret.
    if (proof === undefined) return undefined;
    const final = decode(() => decodeAuthPacket("AuthProof", proof));
    await this.#waitForTurn(source, visitor.signal);
    const welcome = await challenge.check(final);
    if (agency === undefined) throw new NotAdmitted("there is no key of the agency it names");
    if (welcome === undefined) {
      throw new NotAdmitted(`it does not know the key of agency ${agency}`);
    }
    // The key may have been revoked in the meantime.
    if (!this.#isValid({ agency, verifier })) {
      throw new NotAdmitted(`the key of agency ${agency} is no longer valid`);
    }
    await visitor.write(encodeAuthPacket("AuthResponse", welcome));
    this.#options.log.debug("auth", "success", { ip: peer, agency });
    this.#options.audit?.admitted({ address: peer, agency });
    return this.#enter({ agency, verifier, peer, onRevoked: () => visitor.onRevoked() });
  }

  #enter(admitted: Admitted): Admission {
    this.#admitted.add(admitted);
    const { agency } = admitted;
    return { agency, [Symbol.dispose]: () => void this.#admitted.delete(admitted) };
  }

  /** Delays an address that has failed before. */
  async #waitForTurn(source: string, signal: AbortSignal): Promise<void> {
    const waitMs = this.#delays.reserve(source);
    if (waitMs === 0) return;
    if (waitMs === undefined || this.#waiting === WAITING_MAX) {
      throw new NotAdmitted("its address has failed too often");
    }
    this.#waiting++;
    await this.#pause(waitMs, signal);
    this.#waiting--;
  }

  #reload(): void {
    const { path, log } = this.#options;
    try {
      this.#keys = readKeyFile(path);
    } catch (error) {
      log.error("keys", "fail", {
        error: `${(error as Error).message}; the keys in use stay in use`,
      });
      return;
    }
    this.#logInUse();
    for (const admitted of this.#admitted) if (!this.#isValid(admitted)) this.#revoke(admitted);
  }

  #revoke({ agency, peer, onRevoked }: Admitted): void {
    const error = `the key of agency ${agency} is no longer valid: its connection ends`;
    this.#options.log.warning("auth", "fail", { ip: peer, agency, error });
    onRevoked();
  }

  #isValid({ agency, verifier }: Pick<Admitted, "agency" | "verifier">): boolean {
    const current = this.#keys.verifiers.get(agency);
    return current !== undefined && equalInConstantTime(current.storedKey, verifier.storedKey);
  }

  #logRefused(ip: string, error: string): void {
    this.refused++;
    this.#options.log.debug("auth", "fail", { ip, error });
    this.#options.warnings.warn("auth", `not admitted: ${error}`, { ip });
    this.#options.audit?.refused({ address: ip, reason: error });
  }

  #logInUse(): void {
    const { path, log } = this.#options;
    log.info("keys", "success", { file: path, agencies: this.#keys.verifiers.size });
  }
}

/** Decodes a packet of the exchange. @throws {NotAdmitted} If it is another one, or malformed. */
function decode<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof PacketError || error instanceof ScramError)) throw error;
    throw new NotAdmitted("it does not begin with a valid AuthRequest and AuthProof", {
      isGuess: false,
    });
  }
}
