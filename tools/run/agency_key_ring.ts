/**
 * Changes the keys of agencies: makes keys, and stores of each what servers need to verify it.
 *
 * @module
 */

import { type AgencyKeys, noKeys } from "../../server/gate/agency_keys.ts";
import { readKeyFile, writeKeyFile } from "../../server/gate/key_file.ts";
import { makeVerifier, type Verifier } from "../../shared/scram.ts";
import { TaskError } from "../project.ts";

const KEY_BYTES = 32;

/** The file of keys, which is written again after each change. */
export class AgencyKeyRing {
  readonly #path: string;
  readonly #secret: AgencyKeys["secret"];
  readonly #verifiers: Map<number, Verifier>;

  /**
   * Reads the file, or begins a new one if it does not exist.
   *
   * @throws {TaskError} If it cannot be used.
   */
  constructor(path: string) {
    this.#path = path;
    const { secret, verifiers } = readOrBegin(path);
    this.#secret = secret;
    this.#verifiers = new Map(verifiers);
  }

  /** The agencies that have a key, in the order of their numbers. */
  get agencies(): number[] {
    return [...this.#verifiers.keys()].sort((one, other) => one - other);
  }

  /**
   * Gives each agency its first key.
   *
   * @returns The keys, which are not stored anywhere.
   * @throws {TaskError} If one has a key already.
   */
  add(agencies: readonly number[]): Promise<Map<number, string>> {
    this.#require(
      agencies,
      (agency) => !this.#verifiers.has(agency),
      "has a key already: rotate it",
    );
    return this.#give(agencies);
  }

  /**
   * Gives each agency a new key. The old one is no longer valid.
   *
   * @throws {TaskError} If one has no key.
   */
  rotate(agencies: readonly number[]): Promise<Map<number, string>> {
    this.#require(agencies, (agency) => this.#verifiers.has(agency), "has no key: add one");
    return this.#give(agencies);
  }

  /** Takes the keys of agencies away. @throws {TaskError} If one has no key. */
  revoke(agencies: readonly number[]): void {
    this.#require(agencies, (agency) => this.#verifiers.has(agency), "has no key");
    for (const agency of agencies) this.#verifiers.delete(agency);
    this.#write();
  }

  #require(
    agencies: readonly number[],
    isRight: (agency: number) => boolean,
    fault: string,
  ): void {
    const wrong = agencies.find((agency) => !isRight(agency));
    if (wrong !== undefined) {
      throw new TaskError(`Nothing is changed in ${this.#path}: agency ${wrong} ${fault}`);
    }
  }

  async #give(agencies: readonly number[]): Promise<Map<number, string>> {
    const keys = new Map(agencies.map((agency) => [agency, makeKey()]));
    const verifiers = [...keys].map(async ([agency, key]) =>
      [agency, await makeVerifier(key)] as const
    );
    for (const [agency, verifier] of await Promise.all(verifiers)) {
      this.#verifiers.set(agency, verifier);
    }
    this.#write();
    return keys;
  }

  #write(): void {
    writeKeyFile(this.#path, { secret: this.#secret, verifiers: this.#verifiers });
  }
}

/** Writes a file that only its owner may read, in place of any other: a key of an agency. */
export async function writeSecretFile(path: string, text: string): Promise<void> {
  await Deno.remove(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await Deno.writeTextFile(path, text, { createNew: true, mode: 0o600 });
}

function readOrBegin(path: string): AgencyKeys {
  try {
    return readKeyFile(path);
  } catch (error) {
    const { cause, message } = error as Error;
    if (cause instanceof Deno.errors.NotFound) return noKeys();
    throw new TaskError(message, { cause });
  }
}

/** Returns a random key of 256 bits, in Base64 for URLs: 43 characters that no shell or file changes. */
function makeKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").slice(0, -1);
}
