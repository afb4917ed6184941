/**
 * The form of an audit log: its files and its lines. docs/record.md describes both.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { quoteJson } from "../../shared/readable.ts";

/** The folder of the audit logs of all servers that `up` starts, on the volume. */
export const AUDIT_FOLDER = "audit";
/** What the first line of a chain says of the line before it. */
export const NO_LINE = "0".repeat(64);
/** Ends the name of what was cut from a file; the time follows. */
export const CUT_SUFFIX = ".cut-";
/** The file whose lock keeps other servers away from a chain. */
export const CHAIN_LOCK = "chain.lock";

const DIGITS = 6;
const FILE_NAME = /^audit-(\d{6,})\.log$/;

/** The name of a server in its audit log, which is that of a folder as well. */
export const AUDIT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Everything for which a server writes a line. */
export const AUDITED = [
  "opened",
  "started",
  "admitted",
  "refused",
  "served",
  "closing",
  "closed",
  "unclosed",
  "drawn",
  "omitted",
  "stopped",
] as const;
export type Audited = typeof AUDITED[number];

/** What a line says besides its place in the chain. */
export type AuditFields = Record<string, string | number | boolean | undefined>;

/** The last line of a chain. */
export interface ChainHead {
  /** Its number, counted from 1; 0 if the chain has no line. */
  line: number;
  /** SHA-256 of its bytes, the line end included, in hexadecimal. */
  sha256: string;
}

/** The last line of the chain of a server. */
export interface ServerHead extends ChainHead {
  server: string;
}

/** Returns the name of a file of a chain. Files are numbered from 1. */
export function fileName(number: number): string {
  return `audit-${String(number).padStart(DIGITS, "0")}.log`;
}

/** Returns the numbers of the files among `names`, in ascending order. */
export function fileNumbers(names: Iterable<string>): number[] {
  const found = Array.from(names, (name) => FILE_NAME.exec(name)?.[1]);
  return found.filter((digits) => digits !== undefined).map(Number).sort((a, b) => a - b);
}

/** The fields of every line. */
export interface LineFrame {
  line: number;
  /** RFC 3339, in UTC. */
  time: string;
  server: string;
  what: Audited;
}

/** Encodes a line, its line end included. */
export function encodeLine(
  { line, time, server, what }: LineFrame,
  { fields, previous }: { fields: AuditFields; previous: string },
): Uint8Array<ArrayBuffer> {
  const text = quoteJson({ line, time, server, what, ...fields, previous });
  return new TextEncoder().encode(`${text}\n`);
}

/** Returns the SHA-256 of a line, in hexadecimal. */
export function digestLine(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Parses a line. Returns nothing if it is not one that the server of this name has written. */
export function parseLine(
  bytes: Uint8Array,
  server: string,
): (LineFrame & { previous: string } & Record<string, unknown>) | undefined {
  try {
    const line = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    const isOurs = Number.isInteger(line.line) && line.line > 0 && line.server === server &&
      AUDITED.includes(line.what) && /^[0-9a-f]{64}$/.test(line.previous);
    return isOurs ? line : undefined;
  } catch {
    return undefined;
  }
}
