/**
 * Checks the certificates of servers and the keys of agencies.
 *
 * @module
 */

import { X509Certificate } from "node:crypto";
import { isOpenToOthers, readKeyFile } from "../../server/gate/key_file.ts";
import { readTlsPair, type TlsFiles } from "../../server/transport/tls_pair.ts";
import { isIpv4 } from "../../shared/config.ts";
import type { Finding } from "./finding.ts";

const DAY_MS = 86_400_000;
/** A certificate should be renewed when this much of its validity is left. */
const DAYS_MIN = 14;
/** Agencies without a key that are named; there may be thousands. */
const NAMED_MAX = 10;

/**
 * Checks a certificate and its key.
 *
 * @param name The name that clients demand; undefined if none is known.
 * @param nowMs The wall clock, in milliseconds.
 */
export function checkTls(
  files: TlsFiles,
  name: string | undefined,
  nowMs: number = Date.now(),
): Finding {
  let pair;
  try {
    pair = readTlsPair(files, nowMs);
    Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert: pair.cert, key: pair.key }).close();
  } catch (error) {
    const { message } = error as Error;
    return { level: "fault", text: `${message} (${files.certFile}, ${files.keyFile})` };
  }
  const warnings: string[] = [];
  const days = Math.floor((pair.expiresAt.getTime() - nowMs) / DAY_MS);
  const expiry = `expires on ${pair.expiresAt.toISOString().slice(0, 10)}`;
  if (days < DAYS_MIN) warnings.push(`it ${expiry}, in ${days} days: renew it`);
  if (name !== undefined && !isFor(new X509Certificate(pair.cert), name)) {
    warnings.push(
      `it is not for ${name}, which clients demand: issue one that is, or set server.name (CLI_SERVER_NAME) ` +
        "in the clients",
    );
  }
  if (isOpenToOthers(Deno.statSync(files.keyFile).mode)) {
    warnings.push(`others may read its key: chmod 600 ${files.keyFile}`);
  }
  return warnings.length > 0
    ? { level: "warning", text: `${files.certFile}: ${warnings.join("; ")}` }
    : { level: "ok", text: `${files.certFile} ${expiry}` };
}

/** Checks the file of AGENCY_KEYS. @param agencies AGENCIES_AMOUNT. */
export function checkKeys(path: string, agencies: number): Finding {
  let keys;
  try {
    keys = readKeyFile(path);
  } catch (error) {
    return { level: "fault", text: (error as Error).message };
  }
  const numbers = Array.from({ length: agencies }, (_, index) => index + 1);
  const missing = numbers.filter((agency) => !keys.verifiers.has(agency));
  if (missing.length === 0) return { level: "ok", text: `${path} has a key of every agency` };
  const named = missing.slice(0, NAMED_MAX).join(", ");
  const more = missing.length > NAMED_MAX ? ` and ${missing.length - NAMED_MAX} more` : "";
  return {
    level: "warning",
    text:
      `${path} has no key of agencies ${named}${more}: they cannot take part, and the draw waits for them`,
  };
}

function isFor(certificate: X509Certificate, name: string): boolean {
  // Deno 2.4 knows checkHost() alone; names and addresses are listed in later versions.
  if (!isIpv4(name)) return certificate.checkHost(name) !== undefined;
  const listed = certificate.subjectAltName;
  return listed === undefined || listed.split(", ").includes(`IP Address:${name}`);
}
