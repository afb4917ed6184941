/**
 * Compares a certificate with the ledger of its draw, and finds the first difference.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { quoteText } from "../../shared/readable.ts";
import {
  CertificateError,
  type CertificateHead,
  type CertificatePart,
  readCertificate,
  type StatedFile,
} from "./certificate_reader.ts";
import type { ServerHead } from "../../server/audit/audit_files.ts";
import { type VerifiedAudit, verifyAudit } from "./audit_chains.ts";
import { Difference } from "./difference.ts";
import type { CountedWinner, Recount } from "./recount.ts";

/** A ledger that was recounted. */
export interface RecountedLedger {
  /** What a message calls the place of the rows. */
  place: string;
  recount: Recount;
  /** What the ledger says of its lottery. */
  identity: { id: string; agencies: number; winningNumber: number; createdAt: string };
  /** The files of the ledger, as they are; none on JetStream. */
  files: readonly StatedFile[];
  /** The agencies that have closed. */
  closed: ReadonlySet<number>;
}

/** What a certificate that holds states. */
export interface VerifiedDraw {
  head: CertificateHead;
  audit: VerifiedAudit;
}

/** What a certificate is compared with. */
export interface Verifiable {
  ledger: RecountedLedger;
  /** The folder of the audit logs. */
  audit: string;
}

/**
 * Verifies a certificate.
 *
 * @param folder The folder of result.json and result.txt.
 * @throws {Difference} If it differs from the ledger or the audit logs, or has changed.
 */
export async function verifyCertificate(
  folder: string,
  { ledger, audit }: Verifiable,
): Promise<VerifiedDraw> {
  const verifier = new Verifier(ledger);
  try {
    for await (const part of readCertificate(`${folder}/result.json`)) verifier.take(part);
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    throw new Difference(`result.json: ${error.message}`);
  }
  await verifier.compareText(folder);
  return { head: verifier.head!, audit: await verifyAudit(audit, verifier.audit) };
}

/** Takes a certificate part by part. */
class Verifier {
  head: CertificateHead | undefined;
  readonly audit: ServerHead[] = [];
  readonly #ledger: RecountedLedger;
  #files = 0;
  #agency = 0;
  #winners: Iterator<CountedWinner, void> | undefined;
  #text: StatedFile | undefined;
  #totals = { bets: 0, winners: 0 };
  /** Differences of digests alone, of an agency and of a file: reported only if nothing says more. */
  #agencyDoubt: Difference | undefined;
  #fileDoubt: Difference | undefined;

  constructor(ledger: RecountedLedger) {
    this.#ledger = ledger;
  }

  take(part: CertificatePart): void {
    switch (part.kind) {
      case "head":
        return this.#takeHead(part.head);
      case "file":
        return this.#takeFile(part.file);
      case "audit":
        this.audit.push(part.head);
        return;
      case "agency":
        return this.#takeAgency(part);
      case "winner":
        return this.#takeWinner(part);
      case "agency end":
        return this.#endAgency();
      case "text":
        this.#text = part.file;
        return this.#endAgencies();
      case "seal":
        if (part.stated !== part.actual) {
          throw new Difference("result.json: it has changed since it was written (its SHA-256)");
        }
    }
  }

  /** Compares result.txt with what result.json states of it. */
  async compareText(folder: string): Promise<void> {
    const { name, bytes, sha256 } = this.#text!;
    const found = await digestFile(`${folder}/${name}`);
    if (found?.bytes === bytes && found.sha256 === sha256) return;
    throw new Difference(
      `${name}: ${
        found === undefined ? "it is missing" : "it has changed since it was written (its SHA-256)"
      }`,
    );
  }

  #takeHead(head: CertificateHead): void {
    const { id, createdAt, winningNumber } = this.#ledger.identity;
    this.head = head;
    for (const [name, value] of Object.entries({ id, createdAt, winningNumber })) {
      const stated = head[name as "id" | "createdAt" | "winningNumber"];
      if (stated === value) continue;
      throw new Difference(`${name}: result.json has ${stated}, the ledger's lottery ${value}`);
    }
    const { invalid } = this.#ledger.recount;
    if (invalid === undefined) return;
    const { line, rule } = invalid;
    throw new Difference(`${this.#ledger.place}, line ${line}: it is not a valid bet: ${rule}`);
  }

  /** Files are compared at the end: what the rows say is more precise. */
  #takeFile(stated: StatedFile): void {
    const found = this.#ledger.files[this.#files++];
    if (found?.name !== stated.name) {
      throw new Difference(`result.json names ${quoteText(stated.name)}, which is missing`);
    }
    if (found.bytes === stated.bytes && found.sha256 === stated.sha256) return;
    const what = found.bytes === stated.bytes
      ? `its SHA-256 is ${found.sha256}, but was ${stated.sha256} at the draw`
      : `it has ${found.bytes} bytes, but had ${stated.bytes} at the draw`;
    this.#fileDoubt ??= new Difference(`${stated.name}: ${what}`);
  }

  #takeAgency({ agency, bets, sha256 }: { agency: number; bets: number; sha256: string }): void {
    if (agency !== ++this.#agency) {
      throw new Difference(`result.json has agency ${agency} in place of agency ${this.#agency}`);
    }
    if (!this.#ledger.closed.has(agency)) {
      throw new Difference(`agency ${agency}: it has not closed, so there was no draw`);
    }
    const counted = this.#ledger.recount.of(agency);
    this.#winners = counted.winners[Symbol.iterator]();
    if (counted.bets !== bets) {
      throw new Difference(
        `agency ${agency}: result.json has ${bets} bets, ${this.#ledger.place} has ${counted.bets}`,
      );
    }
    this.#totals.bets += bets;
    if (counted.sha256 === sha256) return;
    // The winners may say which row it is.
    this.#agencyDoubt ??= new Difference(
      `agency ${agency}: one of its ${bets} rows, or its SHA-256 in result.json, has changed: it is ` +
        `${sha256} there, and that of its rows is ${counted.sha256}`,
    );
  }

  #takeWinner({ document, position }: { document: string; position: number }): void {
    const expected = this.#winners!.next();
    this.#totals.winners++;
    if (expected.done) throw this.#surplus(position);
    const { value } = expected;
    if (value.position > position) throw this.#surplus(position);
    if (value.position < position) throw this.#missing(value);
    if (value.document === document) return;
    throw new Difference(
      `agency ${this.#agency}, bet ${position} (${this.#ledger.place}, line ${value.line}): result.json has ` +
        `the document ${quoteText(document)}, the row has ${quoteText(value.document)}`,
    );
  }

  #endAgency(): void {
    const left = this.#winners!.next();
    if (!left.done) throw this.#missing(left.value);
  }

  #surplus(position: number): Difference {
    return new Difference(
      `agency ${this.#agency}, bet ${position}: result.json has it among the winners, and its row does not win`,
    );
  }

  #missing({ position, line }: CountedWinner): Difference {
    return new Difference(
      `agency ${this.#agency}, bet ${position} (${this.#ledger.place}, line ${line}): its row wins, and ` +
        "result.json does not have it among the winners",
    );
  }

  #endAgencies(): void {
    const { identity } = this.#ledger;
    if (this.#agency !== identity.agencies) {
      throw new Difference(
        `result.json has ${this.#agency} agencies, the ledger's lottery ${identity.agencies}`,
      );
    }
    const doubt = this.#agencyDoubt ?? this.#fileDoubt;
    if (doubt !== undefined) throw doubt;
    if (this.#files !== this.#ledger.files.length) {
      throw new Difference(`result.json has ${this.#files} files of the ledger`);
    }
    const { totals } = this.head!;
    if (totals.bets === this.#totals.bets && totals.winners === this.#totals.winners) return;
    throw new Difference(
      `totals: result.json has ${totals.bets} bets and ${totals.winners} winners, its agencies together ` +
        `${this.#totals.bets} and ${this.#totals.winners}`,
    );
  }
}

/** Digests a file. Returns nothing if it is missing. */
export async function digestFile(path: string): Promise<Omit<StatedFile, "name"> | undefined> {
  try {
    using file = await Deno.open(path);
    const hash = createHash("sha256");
    const chunk = new Uint8Array(1024 * 1024);
    let bytes = 0;
    for (let count; (count = file.readSync(chunk)) !== null; bytes += count) {
      hash.update(chunk.subarray(0, count));
    }
    return { bytes, sha256: hash.digest("hex") };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
