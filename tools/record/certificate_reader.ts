/**
 * Reads result.json as a stream, line by line: a certificate with millions of winners never is in memory as a
 * whole. docs/record.md describes its lines.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { ServerHead } from "../../server/audit/audit_files.ts";
import { readLines } from "./line_reader.ts";

/** The file is not a certificate, or a line of it has changed. */
export class CertificateError extends Error {
  override name = "CertificateError";
}

/** The fields before the lists. */
export interface CertificateHead {
  version: number;
  id: string;
  createdAt: string;
  drawnAt: string;
  winningNumber: number;
  totals: { bets: number; winners: number };
  software: string;
  ledger: string;
}

/** A file, as a certificate states it. */
export interface StatedFile {
  name: string;
  bytes: number;
  sha256: string;
}

/** What a certificate states, in the order of its lines. */
export type CertificatePart =
  | { kind: "head"; head: CertificateHead }
  | { kind: "file"; file: StatedFile }
  | { kind: "audit"; head: ServerHead }
  | { kind: "agency"; agency: number; bets: number; sha256: string }
  | { kind: "winner"; document: string; position: number }
  | { kind: "agency end" }
  | { kind: "text"; file: StatedFile }
  /** `stated`: the digest at the end; `actual`: that of the lines before it. */
  | { kind: "seal"; stated: string; actual: string };

/** The fields of a head, in their order, each with what it must be. */
const HEAD_FIELDS: Record<keyof CertificateHead, (value: unknown) => boolean> = {
  version: (value) => value === 1 || value === 2,
  id: isString,
  createdAt: isString,
  drawnAt: isString,
  winningNumber: Number.isInteger,
  totals: (value) => hasNumbers(value, ["bets", "winners"]),
  software: isString,
  ledger: isString,
};

/**
 * Yields what a certificate states.
 *
 * @throws {CertificateError} If a line is not one that a server writes there.
 */
export async function* readCertificate(path: string): AsyncGenerator<CertificatePart> {
  const reader = new LinesOfCertificate(path);
  try {
    await reader.expect("{");
    const head = await readHead(reader);
    yield { kind: "head", head };
    for await (const value of readList(reader, "files")) {
      yield { kind: "file", file: fileOf(reader, value) };
    }
    // Version 1 had no audit logs.
    if (head.version > 1) yield* readAudit(reader);
    yield* readAgencies(reader);
    yield { kind: "text", file: fileOf(reader, await reader.field("text", ",")) };
    const actual = reader.digest();
    const stated = await reader.field("sha256", "");
    if (!isString(stated)) throw reader.error();
    await reader.expect("}");
    await reader.expectEnd();
    yield { kind: "seal", stated: stated as string, actual };
  } finally {
    await reader.close();
  }
}

async function readHead(reader: LinesOfCertificate): Promise<CertificateHead> {
  const head: Record<string, unknown> = {};
  for (const [name, isValid] of Object.entries(HEAD_FIELDS)) {
    head[name] = await reader.field(name, ",");
    if (!isValid(head[name])) throw reader.error();
  }
  return head as unknown as CertificateHead;
}

async function* readAudit(reader: LinesOfCertificate): AsyncGenerator<CertificatePart> {
  for await (const value of readList(reader, "audit")) {
    const head = value as ServerHead;
    if (!hasNumbers(head, ["line"]) || !isString(head.server) || !isString(head.sha256)) {
      throw reader.error();
    }
    yield { kind: "audit", head };
  }
}

/** Reads a list whose items have a line each. */
async function* readList(reader: LinesOfCertificate, name: string): AsyncGenerator<unknown> {
  const line = await reader.next();
  if (line === `  "${name}": [],`) return;
  if (line !== `  "${name}": [`) throw reader.error();
  for (let isLast = false; !isLast;) {
    const { value, hasNext } = reader.item(await reader.next());
    isLast = !hasNext;
    yield value;
  }
  await reader.expect("  ],");
}

async function* readAgencies(reader: LinesOfCertificate): AsyncGenerator<CertificatePart> {
  await reader.expect('  "agencies": [');
  for (let isLast = false; !isLast;) {
    const opening = /^ {4}(\{.*),"winners":\[$/.exec(await reader.next())?.[1];
    const value = reader.parse(`${opening}}`);
    if (!hasNumbers(value, ["agency", "bets"]) || !isString((value as StatedFile).sha256)) {
      throw reader.error();
    }
    yield { kind: "agency", ...value as { agency: number; bets: number; sha256: string } };
    for (let isOpen = true; isOpen;) {
      const line = await reader.next();
      if (line === "    ]}," || line === "    ]}") {
        isLast = line === "    ]}";
        isOpen = false;
        yield { kind: "agency end" };
      } else yield { kind: "winner", ...winnerOf(reader, line) };
    }
  }
  await reader.expect("  ],");
}

function winnerOf(
  reader: LinesOfCertificate,
  line: string,
): { document: string; position: number } {
  const { value } = reader.item(line);
  const winner = value as { document: string; position: number };
  if (!isString(winner.document) || !Number.isInteger(winner.position)) throw reader.error();
  return winner;
}

function fileOf(reader: LinesOfCertificate, value: unknown): StatedFile {
  const file = value as StatedFile;
  if (!hasNumbers(file, ["bytes"]) || !isString(file.name) || !isString(file.sha256)) {
    throw reader.error();
  }
  return file;
}

function isString(value: unknown): boolean {
  return typeof value === "string";
}

function hasNumbers(value: unknown, names: readonly string[]): boolean {
  return typeof value === "object" && value !== null &&
    names.every((name) => Number.isInteger((value as Record<string, unknown>)[name]));
}

/** The lines of the file, and the digest of those that were read. */
class LinesOfCertificate {
  readonly #lines: AsyncGenerator<Uint8Array, void>;
  readonly #hash = createHash("sha256");
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #number = 0;

  constructor(path: string) {
    this.#lines = readLines(path);
  }

  /** The next line, without its line end. */
  async next(): Promise<string> {
    this.#number++;
    const { value: line } = await this.#lines.next();
    if (line === undefined) throw this.error();
    this.#hash.update(line);
    if (line.at(-1) !== 0x0a) throw this.error();
    try {
      return this.#decoder.decode(line.subarray(0, -1));
    } catch {
      throw this.error();
    }
  }

  async expect(line: string): Promise<void> {
    if (await this.next() !== line) throw this.error();
  }

  async expectEnd(): Promise<void> {
    this.#number++;
    if ((await this.#lines.next()).value !== undefined) throw this.error();
  }

  /** The value of the field on the next line, which ends in `end`. */
  async field(name: string, end: string): Promise<unknown> {
    const line = await this.next();
    const start = `  ${JSON.stringify(name)}: `;
    if (!line.startsWith(start) || !line.endsWith(end)) throw this.error();
    return this.parse(line.slice(start.length, line.length - end.length));
  }

  /** The value of an item of a list, and whether another one follows. */
  item(line: string): { value: unknown; hasNext: boolean } {
    const hasNext = line.endsWith(",");
    const value = this.parse(hasNext ? line.slice(0, -1) : line);
    if (typeof value !== "object" || value === null) throw this.error();
    return { value, hasNext };
  }

  parse(json: string): unknown {
    try {
      return JSON.parse(json);
    } catch {
      throw this.error();
    }
  }

  /** The digest of the lines so far. */
  digest(): string {
    return this.#hash.copy().digest("hex");
  }

  /** What is wrong with the line that was read last. Its values may be documents. */
  error(): CertificateError {
    return new CertificateError(`line ${this.#number} is not one that a server writes there`);
  }

  async close(): Promise<void> {
    await this.#lines.return();
  }
}
