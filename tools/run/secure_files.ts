/**
 * Everything that a lottery with TLS and keys needs, made for this machine: an authority, the certificate of the
 * servers, and a key for each agency.
 *
 * @module
 */

import { AgencyKeyRing, writeSecretFile } from "./agency_key_ring.ts";
import { LocalAuthority } from "./local_authority.ts";

/** Nobody else may look at the keys. */
const FOLDER_MODE = 0o700;
/** Its file of AGENCY_KEYS. */
const KEYS_FILE = "agencies.keys";
/** The servers' certificate and key are `server.pem` and `server.key`. */
const SERVER = "server";

/** What to make. */
export interface SecureLottery {
  agencies: number;
  /** The names and addresses by which the servers are reached; the first is the one that agencies demand. */
  hosts: readonly [string, ...string[]];
}

/** The files of a lottery with TLS and keys, in one folder. */
export class SecureFiles {
  readonly folder: string;
  readonly #name: string;

  /** Describes the files of a folder, where programs find it. @param name What agencies demand of certificates. */
  constructor(folder: string, name: string) {
    this.folder = folder;
    this.#name = name;
  }

  /**
   * Makes the files, in place of older ones.
   *
   * @throws {TaskError} If there is no openssl.
   */
  static async make(folder: string, { agencies, hosts }: SecureLottery): Promise<SecureFiles> {
    await Deno.remove(folder, { recursive: true }).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
    await Deno.mkdir(folder, { recursive: true, mode: FOLDER_MODE });
    const files = new SecureFiles(folder, hosts[0]);
    const authority = await LocalAuthority.create(folder);
    await authority.issue({ name: SERVER, hosts });
    const ring = new AgencyKeyRing(files.agencyKeys);
    const numbers = Array.from({ length: agencies }, (_, index) => index + 1);
    for (const [agency, key] of await ring.add(numbers)) {
      await writeSecretFile(files.keyFile(agency), `${key}\n`);
    }
    return files;
  }

  /** The certificate of the authority. */
  get ca(): string {
    return `${this.folder}/ca.pem`;
  }

  /** The file of AGENCY_KEYS. */
  get agencyKeys(): string {
    return `${this.folder}/${KEYS_FILE}`;
  }

  /** The file with the key of an agency. */
  keyFile(agency: number): string {
    return `${this.folder}/agency-${agency}.key`;
  }

  /** The settings of every server. */
  get serverEnvironment(): Record<string, string> {
    return {
      SERVER_TLS_CERT: `${this.folder}/${SERVER}.pem`,
      SERVER_TLS_KEY: `${this.folder}/${SERVER}.key`,
      AGENCY_KEYS: this.agencyKeys,
    };
  }

  /** The settings of the client of an agency. */
  clientEnvironment(agency: number): Record<string, string> {
    return {
      CLI_SERVER_TLS: "true",
      CLI_SERVER_CA: this.ca,
      CLI_SERVER_NAME: this.#name,
      CLI_KEY_FILE: this.keyFile(agency),
    };
  }
}
