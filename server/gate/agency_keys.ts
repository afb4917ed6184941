/**
 * The file AGENCY_KEYS: what servers store of the keys of agencies.
 *
 * ```
 * # A comment.
 * secret:CQ8nZ0…=
 * 3:SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$StoredKey:ServerKey
 * ```
 *
 * Each agency has a line with its number and its verifier, in the notation in which PostgreSQL stores passwords. The
 * line `secret` has 32 random bytes, from which the challenges of agencies without a line are derived. All bytes are
 * in Base64.
 *
 * @module
 */

import { AGENCIES_MAX } from "../../shared/mod.ts";
import { fromBase64, hmac, ITERATIONS, toBase64, type Verifier } from "../../shared/scram.ts";

const SECRET_BYTES = 32;
const KEY_BYTES = 32;
const SALT_BYTES_MIN = 8;
const SALT_BYTES = 16;
const HEAD =
  "# Keys of the agencies of a lottery. ./denow task keys changes this file, docs/security.md " +
  "explains it.\n";
const VERIFIER = /^SCRAM-SHA-256\$(\d{1,9}):([^$]+)\$([^:]+):(.+)$/;

/** What servers store of the keys of agencies. */
export interface AgencyKeys {
  /** From which the challenges of agencies without a key are derived. */
  secret: Uint8Array<ArrayBuffer>;
  verifiers: ReadonlyMap<number, Verifier>;
}

/** Returns keys of no agency. */
export function noKeys(): AgencyKeys {
  return { secret: crypto.getRandomValues(new Uint8Array(SECRET_BYTES)), verifiers: new Map() };
}

/** Returns the text of the file. */
export function formatAgencyKeys({ secret, verifiers }: AgencyKeys): string {
  const lines = [...verifiers].sort(([one], [other]) => one - other).map(
    ([agency, { salt, iterations, storedKey, serverKey }]) =>
      `${agency}:SCRAM-SHA-256$${iterations}:${toBase64(salt)}$${toBase64(storedKey)}:` +
      `${toBase64(serverKey)}\n`,
  );
  return `${HEAD}secret:${toBase64(secret)}\n${lines.join("")}`;
}

/**
 * Parses the text of the file.
 *
 * @throws {Error} Naming the first line that is invalid, without quoting it.
 */
export function parseAgencyKeys(text: string): AgencyKeys {
  const verifiers = new Map<number, Verifier>();
  let secret: Uint8Array<ArrayBuffer> | undefined;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const refuse = (fault: string) => new Error(`line ${index + 1} ${fault}`);
    const [, name, rest] = /^(\w+):(.*)$/.exec(line.trim()) ?? [];
    if (name === "secret") {
      if (secret !== undefined) throw refuse("has a second secret");
      secret = fromBase64(rest);
      if (secret?.length !== SECRET_BYTES) throw refuse("has no secret of 32 bytes in Base64");
      continue;
    }
    const agency = /^[1-9]\d{0,3}$/.test(name ?? "") ? Number(name) : 0;
    if (agency < 1 || agency > AGENCIES_MAX) throw refuse("begins with no agency's number");
    if (verifiers.has(agency)) throw refuse(`has a second key of agency ${agency}`);
    const verifier = parseVerifier(rest);
    if (verifier === undefined) {
      throw refuse(`has no SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey of agency ${agency}`);
    }
    verifiers.set(agency, verifier);
  }
  if (secret === undefined) throw new Error("it has no line that begins with secret:");
  return { secret, verifiers };
}

/**
 * Returns the verifier of a name, or one that no key matches if there is none. It is always the same for a name, so
 * that strangers cannot learn which agencies have keys.
 */
export async function verifierOf(
  { secret, verifiers }: AgencyKeys,
  name: string,
): Promise<{ agency: number | undefined; verifier: Verifier }> {
  const agency = /^[1-9]\d{0,3}$/.test(name) ? Number(name) : 0;
  const verifier = verifiers.get(agency);
  const [salt, key] = await Promise.all([
    hmac(secret, `salt ${name}`),
    hmac(secret, `key ${name}`),
  ]);
  if (verifier !== undefined) return { agency, verifier };
  const madeUp = { salt: salt.slice(0, SALT_BYTES), storedKey: key, serverKey: key };
  return { agency: undefined, verifier: { ...madeUp, iterations: ITERATIONS } };
}

function parseVerifier(text: string): Verifier | undefined {
  const match = VERIFIER.exec(text);
  if (match === null) return undefined;
  const iterations = Number(match[1]);
  const [salt, storedKey, serverKey] = match.slice(2).map(fromBase64);
  if (salt === undefined || storedKey === undefined || serverKey === undefined) return undefined;
  const isValid = iterations >= ITERATIONS && salt.length >= SALT_BYTES_MIN &&
    storedKey.length === KEY_BYTES && serverKey.length === KEY_BYTES;
  return isValid ? { salt, iterations, storedKey, serverKey } : undefined;
}
