/**
 * Everything that a lottery with TLS and keys needs, made for this machine: an authority, the certificate of the
 * servers, and a key for each agency.
 *
 * @module
 */

import { PROJECT_ROOT, unlessNotFound } from "../project.ts";
import { AgencyKeyRing, writeSecretFile } from "./agency_key_ring.ts";
import { LocalAuthority } from "./local_authority.ts";
import type { LotterySettings } from "./lottery_settings.ts";

/** Where `up --secure` makes them, from the project's root. */
export const SECURE_FOLDER_NAME = ".cache/secure";
/** The absolute path of that folder. */
export const SECURE_FOLDER = `${PROJECT_ROOT}/${SECURE_FOLDER_NAME}`;

/** Nobody else may look at the keys. */
const FOLDER_MODE = 0o700;
/** What a server needs, in a folder of its own: its certificate and key, and the file of AGENCY_KEYS. */
const SERVER_FILES = { cert: "server.pem", key: "server.key", agencyKeys: "agencies.keys" };

/** What to make. */
export interface SecureLottery {
  agencies: number;
  /** The names and addresses by which the servers are reached; the first is the one that agencies demand. */
  hosts: readonly [string, ...string[]];
}

/** The files of a lottery with TLS and keys. */
export class SecureFiles {
  readonly #folder: string;
  readonly #name: string;

  private constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
  }

  /** Names the files that are in a folder. @param name What agencies demand of certificates. */
  static in(folder: string, name: string): SecureFiles {
    return new SecureFiles(folder, name);
  }

  /**
   * Makes the files in a folder, in place of all that is there.
   *
   * @throws {TaskError} If there is no openssl.
   */
  static async make(folder: string, { agencies, hosts }: SecureLottery): Promise<SecureFiles> {
    const files = new SecureFiles(folder, hosts[0]);
    const authorityFolder = `${folder}/authority`;
    await unlessNotFound(Deno.remove(folder, { recursive: true }));
    for (const path of [folder, authorityFolder, files.serverFolder]) {
      await Deno.mkdir(path, { recursive: true, mode: FOLDER_MODE });
    }
    const authority = await LocalAuthority.create(authorityFolder);
    await Deno.copyFile(authority.caFile, files.ca);
    const issued = await authority.issue({ name: "server", hosts });
    await Deno.rename(issued.certFile, `${files.serverFolder}/${SERVER_FILES.cert}`);
    await Deno.rename(issued.keyFile, `${files.serverFolder}/${SERVER_FILES.key}`);
    const ring = new AgencyKeyRing(files.agencyKeys);
    const numbers = Array.from({ length: agencies }, (_, index) => index + 1);
    for (const [agency, key] of await ring.add(numbers)) {
      await writeSecretFile(files.keyFile(agency), `${key}\n`);
    }
    return files;
  }

  /** The certificate of the authority. */
  get ca(): string {
    return `${this.#folder}/ca.pem`;
  }

  /** The folder of what servers need, and nothing else. */
  get serverFolder(): string {
    return `${this.#folder}/servers`;
  }

  /** The file of AGENCY_KEYS. */
  get agencyKeys(): string {
    return `${this.serverFolder}/${SERVER_FILES.agencyKeys}`;
  }

  /** The file with the key of an agency. */
  keyFile(agency: number): string {
    return `${this.#folder}/agency-${agency}.key`;
  }

  /** The settings of every server. */
  get serverEnvironment(): Record<string, string> {
    return serverSecrets(this.serverFolder);
  }

  /** The settings of the client of an agency. */
  clientEnvironment(agency: number): Record<string, string> {
    return clientSecrets({ ca: this.ca, keyFile: this.keyFile(agency), name: this.#name });
  }
}

/** Makes the files of a lottery that `up` runs, and says so. @throws {TaskError} If there is no openssl. */
export async function makeSecureFiles(
  { clients, serverName }: Pick<LotterySettings, "clients" | "serverName">,
  say: (line: string) => void,
): Promise<void> {
  const hosts = [serverName, "localhost", "127.0.0.1"] as const;
  await SecureFiles.make(SECURE_FOLDER, { agencies: clients, hosts });
  say(
    `${SECURE_FOLDER_NAME}: made a throw-away authority, the servers' certificate, and a key for each agency`,
  );
}

/** Returns the settings of a server that finds its files in this folder. */
export function serverSecrets(folder: string): Record<string, string> {
  return {
    SERVER_TLS_CERT: `${folder}/${SERVER_FILES.cert}`,
    SERVER_TLS_KEY: `${folder}/${SERVER_FILES.key}`,
    AGENCY_KEYS: `${folder}/${SERVER_FILES.agencyKeys}`,
  };
}

/** Returns the settings of a client that finds its files there. @param files `name`: what it demands of certificates. */
export function clientSecrets(
  { ca, keyFile, name }: { ca: string; keyFile: string; name: string },
): Record<string, string> {
  return {
    CLI_SERVER_TLS: "true",
    CLI_SERVER_CA: ca,
    CLI_SERVER_NAME: name,
    CLI_KEY_FILE: keyFile,
  };
}
