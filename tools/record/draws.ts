/**
 * What is known of each draw, and writing certificates that are missing.
 *
 * @module
 */

import config from "../../deno.json" with { type: "json" };
import { AUDIT_FOLDER } from "../../server/audit/audit_files.ts";
import { readAuditHeads } from "../../server/audit/audit_heads.ts";
import type { AgencyOutcome, Certificate } from "../../server/certificate/certificate.ts";
import { provideCertificate, RESULT_TEXT } from "../../server/certificate/certificate_folder.ts";
import { PROJECT_ROOT, TASK, unlessNotFound } from "../project.ts";
import { CertificateError, type CertificateHead, readCertificate } from "./certificate_reader.ts";
import { type DrawSource, findCertificate } from "./draw_sources.ts";
import { Difference } from "./difference.ts";
import { type RecountedLedger, verifyCertificate } from "./verification.ts";

/**
 * What is known of the certificate of a draw: it states what the ledger holds; nobody has compared it with the
 * ledger now; it differs from the ledger, or one of them has changed; the draw is over, and nobody has written
 * its certificate; not every agency has closed.
 */
export const DRAW_STATES = [
  "VERIFIED",
  "not checked",
  "DIFFERENT",
  "no certificate",
  "not drawn",
] as const;
export type DrawState = typeof DRAW_STATES[number];

/** A draw, as `draws` and `verify` print it. */
export interface DrawListing {
  id: string | null;
  createdAt: string | null;
  drawnAt: string | null;
  winningNumber: number | null;
  bets: number | null;
  winners: number | null;
  /** Lines of the audit logs that were verified. */
  auditLines: number | null;
  ledger: "files" | "jetstream";
  /** Where its ledger is. */
  place: string;
  isCurrent: boolean;
  state: DrawState;
  /** The first difference, if it was looked for and found. */
  difference: string | null;
}

/** Where the parts of a record are that do not lie beside their ledgers. */
export interface RecordPlaces {
  /** The folder of certificates. */
  volume: string;
  /** The folder of the audit logs. @default {`audit` beside the ledger, or else on the volume} */
  audit?: string;
}

/** Options of {@linkcode listDraw}. */
export interface ListOptions extends RecordPlaces {
  /** Whether to compare the certificate with the ledger, which reads all bets. */
  verifies: boolean;
}

/** Describes a draw. */
export async function listDraw(
  source: DrawSource,
  { volume, audit, verifies }: ListOptions,
): Promise<DrawListing> {
  const { id = null, createdAt, ledger, place, isCurrent } = source;
  const folder = await findCertificate(source, volume);
  const unknown = { drawnAt: null, winningNumber: null, bets: null, winners: null };
  const listing = { id, createdAt, ...unknown, auditLines: null, ledger, place, isCurrent };
  if (folder === undefined) {
    const state = await source.isDrawn() ? "no certificate" as const : "not drawn" as const;
    return { ...listing, state, difference: null };
  }
  try {
    const verified = verifies
      ? await verifyCertificate(folder, {
        ledger: await source.recount(),
        audit: await findAudit(source, { volume, audit }),
      })
      : undefined;
    const head = verified?.head ?? await readHead(`${folder}/result.json`);
    const state = verifies ? "VERIFIED" as const : "not checked" as const;
    const { drawnAt, winningNumber, totals } = head;
    const auditLines = verified?.audit.lines ?? null;
    return { ...listing, drawnAt, winningNumber, ...totals, auditLines, state, difference: null };
  } catch (error) {
    const { message } = error as Error;
    if (error instanceof Difference) {
      return { ...listing, state: "DIFFERENT", difference: message };
    }
    if (!(error instanceof CertificateError)) throw error;
    return { ...listing, state: "DIFFERENT", difference: `result.json: ${message}` };
  }
}

async function findAudit(
  { certificates }: DrawSource,
  { volume, audit }: RecordPlaces,
): Promise<string> {
  if (audit !== undefined) return audit;
  const beside = `${certificates}/${AUDIT_FOLDER}`;
  const isThere = await unlessNotFound(Deno.stat(beside)) !== undefined;
  return isThere ? beside : `${volume}/${AUDIT_FOLDER}`;
}

async function readHead(path: string): Promise<CertificateHead> {
  for await (const part of readCertificate(path)) if (part.kind === "head") return part.head;
  throw new CertificateError("it has no head");
}

/**
 * Writes the certificate of a draw, unless it has one or is not over.
 *
 * @returns Whether it was written.
 */
export async function writeCertificate(
  source: DrawSource,
  { volume, audit }: RecordPlaces,
): Promise<boolean> {
  const { id, certificates } = source;
  if (id === undefined || await findCertificate(source, volume) !== undefined) return false;
  if (!await source.isDrawn()) return false;
  const compute = async () =>
    certificateOf(await source.recount(), {
      drawnAt: await source.lastClosedAt(),
      ledger: source.ledger,
      audit: readAuditHeads(await findAudit(source, { volume, audit })),
    });
  return await provideCertificate(certificates, { id, compute }) === "written";
}

/** Writes the certificate of a run, if no server has, and prints where it is. A failure does not end the run. */
export async function certifyRun(
  source: DrawSource,
  places: RecordPlaces,
  say: (line: string) => void,
): Promise<void> {
  try {
    await writeCertificate(source, places);
    const folder = await findCertificate(source, places.volume);
    if (folder === undefined) return;
    const path = folder.replace(`${PROJECT_ROOT}/`, "");
    say(`The record of the draw: ${path}/${RESULT_TEXT}`);
  } catch (error) {
    say(
      `The record of the draw could not be written: ${
        (error as Error).message
      }. Write it with ${TASK} draws --write`,
    );
  }
}

function certificateOf(
  { identity, recount, files }: RecountedLedger,
  { drawnAt, ledger, audit }: Pick<Certificate, "audit" | "drawnAt" | "ledger">,
): Certificate {
  const { id, createdAt, winningNumber } = identity;
  if (recount.invalid !== undefined) {
    const { line, rule } = recount.invalid;
    throw new Difference(`line ${line} is not a valid bet: ${rule}`);
  }
  const agencies = Array.from({ length: identity.agencies }, (_, index): AgencyOutcome => {
    const { bets, sha256, winners } = recount.of(index + 1);
    return {
      agency: index + 1,
      bets,
      sha256,
      winners: winners.length,
      *listWinners() {
        for (const { document, position } of winners) yield { document, position };
      },
    };
  });
  const software = config.version;
  const stated = { id, createdAt, drawnAt, winningNumber, software };
  return { ...stated, ledger, files, audit, agencies };
}
