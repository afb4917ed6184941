/**
 * A TLS certificate and its key, read from files.
 *
 * @module
 */

import { X509Certificate } from "node:crypto";

/** The files of a certificate and its key, and the settings that name them. */
export interface TlsFiles {
  /** The certificate, followed by those of the authorities between it and one that clients know. PEM. */
  certFile: string;
  /** Its private key. PEM. */
  keyFile: string;
}

/** A certificate and its key, in PEM. */
export interface TlsPair {
  cert: string;
  key: string;
  /** When the certificate expires. */
  expiresAt: Date;
}

/**
 * Reads a certificate and its key. Whether they match is checked when a listener opens with them.
 *
 * @param nowMs The wall clock, in milliseconds.
 * @throws If a file cannot be read, or no client would accept the certificate today.
 */
export function readTlsPair({ certFile, keyFile }: TlsFiles, nowMs: number = Date.now()): TlsPair {
  const cert = readText(certFile);
  const key = readText(keyFile);
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(key)) {
    throw new Error(`${keyFile} has no private key in PEM`);
  }
  const { from, to } = validity(cert, certFile);
  if (nowMs < from.getTime()) {
    throw new Error(`the certificate in ${certFile} is not valid before ${from.toISOString()}`);
  }
  if (nowMs >= to.getTime()) {
    throw new Error(`the certificate in ${certFile} expired at ${to.toISOString()}: renew it`);
  }
  return { cert, key, expiresAt: to };
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    throw new Error(`${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

function validity(cert: string, path: string): { from: Date; to: Date } {
  try {
    const { validFrom, validTo } = new X509Certificate(cert);
    return { from: new Date(validFrom), to: new Date(validTo) };
  } catch (cause) {
    throw new Error(`${path} has no certificate in PEM: ${(cause as Error).message}`, { cause });
  }
}
