/**
 * The result of a client for other programs: a JSON file. It appears whole, when the client ends.
 *
 * @module
 */

import { SettingsError } from "../shared/config.ts";
import type { ProgressReport } from "./progress_report.ts";

/** The content of the file. */
export interface ClientResult {
  agency: number;
  /** How many bets the agency's file has; null until all of them are stored. */
  sent: number | null;
  /** How many bets of the agency the servers have acknowledged, as far as this client knows. */
  stored: number | null;
  /** The documents of the agency's winners; null until the draw. */
  winners: string[] | null;
  exitCode: number;
  /** Why the client failed or stopped; null if it has done its work. */
  reason: string | null;
}

/** Collects the result of a client, and writes it to a file if one is asked for. */
export class ResultFile {
  readonly #path: string | undefined;
  readonly #result: Omit<ClientResult, "exitCode">;

  /**
   * Removes the result of an earlier run, which must not be mistaken for this one's.
   *
   * @param path The file; its folder must exist. Without one, nothing is ever written.
   * @throws {SettingsError} If the file cannot be written.
   */
  constructor(path: string | undefined, agency: number) {
    this.#path = path;
    this.#result = {
      agency,
      sent: null,
      stored: null,
      winners: null,
      reason: null,
    };
    if (path === undefined) return;
    try {
      removeFile(path);
      Deno.writeTextFileSync(`${path}.new`, "");
      Deno.removeSync(`${path}.new`);
    } catch (error) {
      const fault = `CLI_RESULT is ${JSON.stringify(path)}, which cannot be written: `;
      throw new SettingsError("client", [fault + (error as Error).message]);
    }
  }

  /** Passes the progress of sending on to `report`, and notes it. */
  following(report: ProgressReport, total: number): ProgressReport {
    return {
      update: (stored) => {
        this.#result.stored = stored;
        report.update(stored);
      },
      end: () => {
        this.#result.sent = total;
        report.end();
      },
    };
  }

  /** Notes how many bets of the agency are stored. */
  set stored(count: number) {
    this.#result.stored = count;
  }

  /** Notes the documents of the winners. */
  set winners(documents: string[]) {
    this.#result.winners = documents;
  }

  /** Notes why the client fails, or stops. */
  set reason(reason: string) {
    this.#result.reason = reason;
  }

  /**
   * Writes the file, or replaces it. Reports on stderr if that fails.
   *
   * @returns The exit code of the program: 1 instead of 0 if the file was not written.
   */
  finish(exitCode: number): number {
    if (this.#path === undefined) return exitCode;
    try {
      this.#write(`${JSON.stringify({ ...this.#result, exitCode })}\n`);
      return exitCode;
    } catch (error) {
      console.error(`Cannot write the result ${this.#path}: ${(error as Error).message}`);
      return exitCode || 1;
    }
  }

  /** A reader finds the whole file or none. */
  #write(text: string): void {
    Deno.writeTextFileSync(`${this.#path}.new`, text);
    Deno.renameSync(`${this.#path}.new`, this.#path!);
  }
}

/** Removes a file if there is one, but nothing else. */
function removeFile(path: string): void {
  try {
    if (!Deno.lstatSync(path).isFile) throw new Error("it is not a regular file");
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
