/**
 * A certificate authority on this machine, for trying out the lottery and for tests. Its certificates come from the
 * command openssl.
 *
 * @module
 */

import { isIpv4 } from "../../shared/config.ts";
import { TaskError } from "../project.ts";

/** How long certificates are valid, unless a test says otherwise. */
const DAYS = 30;
const KEY_MODE = 0o600;

/** A certificate to issue. */
export interface CertificateRequest {
  /** The files are called `NAME.pem` and `NAME.key`. */
  name: string;
  /** The host names and IPv4 addresses for which it is valid. */
  hosts: readonly string[];
  /** How long it is valid from now on; a negative number for one that has expired. @default {30} */
  days?: number;
}

/** The files of a certificate. */
export interface IssuedFiles {
  certFile: string;
  keyFile: string;
}

/** An authority whose files are in a folder: its own certificate is `ca.pem`. */
export class LocalAuthority {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Makes an authority in a folder that exists, in place of the one there.
   *
   * @throws {TaskError} If there is no openssl, or it fails.
   */
  static async create(folder: string): Promise<LocalAuthority> {
    const authority = new LocalAuthority(folder);
    // Clients distinguish authorities by their names.
    const id = crypto.randomUUID().slice(0, 8);
    const subject = `/CN=throw-away authority ${id} of the national lottery`;
    const config = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";
    await authority.#request("ca", subject);
    await authority.#sign("ca", config, ["-signkey", `${folder}/ca.key`, "-days", String(DAYS)]);
    return authority;
  }

  /** The file with the authority's certificate, for clients. */
  get caFile(): string {
    return `${this.#folder}/ca.pem`;
  }

  /** Issues a certificate for a new key. */
  async issue({ name, hosts, days = DAYS }: CertificateRequest): Promise<IssuedFiles> {
    const names = hosts.map((host) => isIpv4(host) ? `IP:${host}` : `DNS:${host}`).join(",");
    const config = `basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n` +
      `extendedKeyUsage=serverAuth\nsubjectAltName=${names}\n`;
    const ca = ["-CA", this.caFile, "-CAkey", `${this.#folder}/ca.key`, "-CAcreateserial"];
    await this.#request(name, `/CN=${hosts[0]}`);
    await this.#sign(name, config, [...ca, "-days", String(days)]);
    return { certFile: `${this.#folder}/${name}.pem`, keyFile: `${this.#folder}/${name}.key` };
  }

  /** Makes a key and a request for its certificate. */
  async #request(name: string, subject: string): Promise<void> {
    const path = `${this.#folder}/${name}`;
    // Nobody else may read the key, not even while it is being written.
    await Deno.writeTextFile(`${path}.key`, "", { mode: KEY_MODE });
    await Deno.chmod(`${path}.key`, KEY_MODE);
    await openssl(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", `${path}.key`]);
    await openssl(["req", "-new", "-key", `${path}.key`, "-subj", subject, "-out", `${path}.csr`]);
  }

  async #sign(name: string, extensions: string, signer: string[]): Promise<void> {
    const path = `${this.#folder}/${name}`;
    await Deno.writeTextFile(`${path}.cnf`, extensions);
    const request = ["-req", "-in", `${path}.csr`, "-sha256", "-extfile", `${path}.cnf`];
    await openssl(["x509", ...request, ...signer, "-out", `${path}.pem`]);
    await Promise.all([Deno.remove(`${path}.cnf`), Deno.remove(`${path}.csr`)]);
  }
}

async function openssl(args: string[]): Promise<void> {
  try {
    const command = new Deno.Command("openssl", { args, stdout: "null", stderr: "piped" });
    const { success, stderr } = await command.output();
    if (success) return;
    const message = new TextDecoder().decode(stderr).trim();
    throw new TaskError(`Cannot make a certificate: openssl ${args[0]} failed: ${message}`);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new TaskError(
      "Cannot make certificates: there is no command openssl. Install it, or make the certificates elsewhere: " +
        "docs/security.md says how",
      { cause },
    );
  }
}
