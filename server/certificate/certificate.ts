/**
 * The certificate of a draw, and the two files that state it: result.json for programs and result.txt for
 * people. docs/record.md describes them.
 *
 * Both are written and read as a stream: a certificate with millions of winners never is in memory as a whole.
 * So each winner of result.json has a line of its own.
 *
 * @module
 */

import { quoteText } from "../../shared/readable.ts";
import type { ServerHead } from "../audit/audit_files.ts";

/** The version of the schema. It changes when a reader of the former one would fail or be misled. */
export const CERTIFICATE_VERSION = 2;

/** A file, and what it contains. */
export interface FileDigest {
  name: string;
  bytes: number;
  /** SHA-256 of its content, in hexadecimal. */
  sha256: string;
}

/** A bet that has won. */
export interface Winner {
  document: string;
  /** The bet's position among those of its agency, counted from 1. */
  position: number;
}

/** What the draw means for an agency. */
export interface AgencyOutcome {
  agency: number;
  /** Stored bets. */
  bets: number;
  /** SHA-256 of its rows in their order, in hexadecimal: what a DigestRequest is answered. */
  sha256: string;
  /** The number of its winners. */
  winners: number;
  /** Its winners, in the order of their bets. */
  listWinners(): Iterable<Winner>;
}

/** All that a certificate states. */
export interface Certificate {
  /** The lottery: a UUID. */
  id: string;
  /** When the first server of the lottery started, in RFC 3339. */
  createdAt: string;
  /** When the draw was first known to the one who wrote the certificate, in RFC 3339. */
  drawnAt: string;
  winningNumber: number;
  /** The version of the program that wrote it. */
  software: string;
  /** Where the bets are kept. */
  ledger: "files" | "jetstream";
  /** The files of the ledger; none on JetStream. */
  files: readonly FileDigest[];
  /** The last line of each server's audit log, in the order of their names. */
  audit: readonly ServerHead[];
  /** All agencies, in the order of their numbers. */
  agencies: readonly AgencyOutcome[];
}

/** Returns the bets and winners of all agencies. */
function totalsOf({ agencies }: Certificate): { bets: number; winners: number } {
  const sum = (count: (agency: AgencyOutcome) => number) =>
    agencies.reduce((total, agency) => total + count(agency), 0);
  return { bets: sum(({ bets }) => bets), winners: sum(({ winners }) => winners) };
}

/**
 * Yields the content of result.json up to its seal, in pieces.
 *
 * @param text The file result.txt of the same certificate.
 */
export function* certificateJson(certificate: Certificate, text: FileDigest): Generator<string> {
  yield "{\n";
  for (const [name, value] of Object.entries(headOf(certificate))) {
    yield `  ${JSON.stringify(name)}: ${JSON.stringify(value)},\n`;
  }
  yield `  "files": [${listOf(certificate.files.map((file) => JSON.stringify(file)))}],\n`;
  yield `  "audit": [${listOf(certificate.audit.map((head) => JSON.stringify(head)))}],\n`;
  yield '  "agencies": [\n';
  for (const [index, outcome] of certificate.agencies.entries()) {
    const { agency, bets, sha256, winners } = outcome;
    const opening = JSON.stringify({ agency, bets, sha256 }).slice(0, -1);
    yield `    ${opening},"winners":[\n`;
    let left = winners;
    for (const { document, position } of outcome.listWinners()) {
      yield `      ${JSON.stringify({ document, position })}${--left > 0 ? "," : ""}\n`;
    }
    yield `    ]}${index < certificate.agencies.length - 1 ? "," : ""}\n`;
  }
  yield `  ],\n  "text": ${JSON.stringify(text)},\n`;
}

/** The fields of a certificate before its lists, by name. */
export function headOf(certificate: Certificate) {
  const { id, createdAt, drawnAt, winningNumber, software, ledger } = certificate;
  const totals = totalsOf(certificate);
  return {
    version: CERTIFICATE_VERSION,
    ...{ id, createdAt, drawnAt, winningNumber, totals, software, ledger },
  };
}

/** The last lines of result.json. */
export function sealOf(sha256: string): string {
  return `  "sha256": ${JSON.stringify(sha256)}\n}\n`;
}

function listOf(items: readonly string[]): string {
  return items.length === 0 ? "" : `\n    ${items.join(",\n    ")}\n  `;
}

/** Yields the content of result.txt, in pieces. */
export function* certificateText(certificate: Certificate): Generator<string> {
  const { id, createdAt, drawnAt, winningNumber, software, ledger, files, audit } = certificate;
  const { bets, winners } = totalsOf(certificate);
  yield `Draw ${id}\n\n`;
  yield `Winning number  ${winningNumber}\n`;
  yield `Drawn           ${drawnAt}\n`;
  yield `Began           ${createdAt}\n`;
  yield `Bets            ${bets}\n`;
  yield `Winners         ${winners}\n`;
  yield `Ledger          ${ledger}\n`;
  yield `Software        ${software}\n`;
  for (const file of files) yield `\n${file.name}: ${file.bytes} bytes\n  SHA-256 ${file.sha256}\n`;
  for (const { server, line, sha256 } of audit) {
    yield `\nAudit log of ${server}: line ${line}\n  SHA-256 ${sha256}\n`;
  }
  for (const outcome of certificate.agencies) {
    const { agency, bets, sha256, winners } = outcome;
    yield `\nAgency ${agency}: ${bets} bets, ${winners} winners\n  SHA-256 ${sha256}\n`;
    for (const { document, position } of outcome.listWinners()) {
      yield `  bet ${position}: document ${quoteText(document).slice(1, -1)}\n`;
    }
  }
}
