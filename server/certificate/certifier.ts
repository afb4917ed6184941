/**
 * Writes the certificate after the draw. Nothing waits for it, and a failure has no other effect: servers try again
 * until one has written it.
 *
 * @module
 */

import type { ActionLog } from "../../shared/logging.ts";
import type { ServerHead } from "../audit/audit_files.ts";
import type { Draw, LotteryIdentity } from "../ledger/ledger.ts";
import {
  certificateFolder,
  type CertificateOutcome,
  provideCertificate,
} from "./certificate_folder.ts";
import { volumeCertificate, type VolumeCertificateOptions } from "./volume_certificate.ts";

/** How long after the draw to begin: reading all bets must not take the processor from agencies that wait. */
const BEGIN_MS = 100;
/** How soon to check again while another server writes. */
const BUSY_MS = 1000;
/** How soon to try again after a failure. Each pause is twice as long as the one before, up to the second. */
const RETRY_MS = { first: 1000, max: 60_000 };
/** How long stopping waits for a certificate that is being written. A later server writes it if this one gives up. */
const STOPPING_MS = 1000;

/** Options of {@linkcode Certifier}. */
export interface CertifierOptions extends Pick<VolumeCertificateOptions, "files" | "software"> {
  /** Reads the heads of the audit logs of all servers. @default {there are none} */
  readHeads?: () => ServerHead[];
  /** The folder of the ledger. */
  volume: string;
  identity: LotteryIdentity;
  log: ActionLog;
  /** The time of day, in milliseconds since 1970. @default {Date.now} */
  wallClock?: () => number;
}

/** Ensures that the draw gets a certificate. Dispose of it to stop. */
export class Certifier implements AsyncDisposable {
  readonly #options: CertifierOptions;
  readonly #controller = new AbortController();
  readonly #stopped = Promise.withResolvers<void>();
  #isStopping = false;
  #work: Promise<void> | undefined;

  constructor(options: CertifierOptions) {
    this.#options = options;
  }

  /** Begins, after the draw. Later calls change nothing. */
  certify(draw: Draw): void {
    this.#work ??= this.#certify(draw);
  }

  /** Resolves when there is a certificate, or this has stopped. */
  async done(): Promise<void> {
    await this.#work;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    this.#stopped.resolve();
    const timer = setTimeout(() => this.#controller.abort(), STOPPING_MS);
    await this.#work;
    clearTimeout(timer);
  }

  async #certify(draw: Draw): Promise<void> {
    const drawnAt = new Date((this.#options.wallClock ?? Date.now)()).toISOString();
    if (!this.#isStopping) await this.#pause(BEGIN_MS);
    for (let retryMs = RETRY_MS.first;;) {
      const outcome = await this.#try(draw, { drawnAt, retryMs });
      if (outcome === "written" || outcome === "there") return;
      await this.#pause(outcome === "busy" ? BUSY_MS : retryMs);
      if (this.#isStopping) return;
      if (outcome === "failed") retryMs = Math.min(2 * retryMs, RETRY_MS.max);
    }
  }

  async #try(
    draw: Draw,
    { drawnAt, retryMs }: { drawnAt: string; retryMs: number },
  ): Promise<CertificateOutcome | "failed"> {
    const { volume, identity, files, software, log, readHeads = () => [] } = this.#options;
    const { signal } = this.#controller;
    try {
      const options = { draw, identity, files, drawnAt, software, signal };
      const compute = () => volumeCertificate(volume, { ...options, audit: readHeads() });
      const outcome = await provideCertificate(volume, { id: identity.id, compute, signal });
      if (outcome === "written") {
        log.info("certificate", "success", { folder: certificateFolder(volume, identity.id) });
      }
      return outcome;
    } catch (error) {
      const { message } = error as Error;
      if (this.#isStopping) log.debug("certificate", "fail", { error: message });
      else log.warning("certificate", "fail", { error: message, retry_seconds: retryMs / 1000 });
      return "failed";
    }
  }

  async #pause(timeMs: number): Promise<void> {
    const elapsed = Promise.withResolvers<void>();
    const timer = setTimeout(elapsed.resolve, timeMs);
    await Promise.race([elapsed.promise, this.#stopped.promise]);
    clearTimeout(timer);
  }
}
