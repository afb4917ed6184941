/**
 * The folder of a lottery's certificates on the volume: draws/ID/result.json and draws/ID/result.txt.
 *
 * The files of a draw are written into a folder of another name and flushed. One rename gives them their name; it
 * fails if another writer was faster. So they are whole or absent, agree with each other, and never change. A lock
 * saves other servers the work; the kernel releases it when its holder dies.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { Courtesy } from "../ledger/courtesy.ts";
import {
  type Certificate,
  certificateJson,
  certificateText,
  type FileDigest,
  sealOf,
} from "./certificate.ts";

/** The folder of all certificates, on the volume. */
export const DRAWS_FOLDER = "draws";
export const RESULT_JSON = "result.json";
export const RESULT_TEXT = "result.txt";
/** The lock of the writer. */
const LOCK_FILE = ".lock";
/** Ends the name of a folder that is not complete yet. */
const UNFINISHED = ".unfinished";

/** They hold documents: the owner may write them, the owner's group may read them. */
const FOLDER_MODE = 0o750;
const FILE_MODE = 0o640;

/** Made and hashed in a few milliseconds. */
const CHUNK_CHARS = 32 * 1024;
const encoder = new TextEncoder();

/** Returns the folder of a draw's certificate. */
export function certificateFolder(volume: string, id: string): string {
  return `${volume}/${DRAWS_FOLDER}/${id}`;
}

/** Returns whether a draw has a certificate. */
export async function hasCertificate(volume: string, id: string): Promise<boolean> {
  try {
    await Deno.stat(`${certificateFolder(volume, id)}/${RESULT_JSON}`);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The outcome for a certificate. */
export type CertificateOutcome =
  | "written"
  /** It was there already. */
  | "there"
  /** Another process writes it, or was about to when it was stopped. */
  | "busy";

/** Options of {@linkcode provideCertificate}. */
export interface ProvideOptions {
  /** The id of the lottery. */
  id: string;
  /** Computes the certificate, if it is missing. */
  compute: () => Promise<Certificate>;
  /** Ends the work early, with an AbortError. @default {never} */
  signal?: AbortSignal;
}

/**
 * Writes the certificate of a draw durably, unless there is one.
 *
 * @throws If it cannot be computed or written. What was written of it is removed.
 */
export async function provideCertificate(
  volume: string,
  { id, compute, signal }: ProvideOptions,
): Promise<CertificateOutcome> {
  if (await hasCertificate(volume, id)) return "there";
  const draws = `${volume}/${DRAWS_FOLDER}`;
  await Deno.mkdir(draws, { recursive: true, mode: FOLDER_MODE });
  using lock = Deno.openSync(`${draws}/${LOCK_FILE}`, {
    create: true,
    write: true,
    mode: FILE_MODE,
  });
  if (!lock.tryLockSync(true)) return "busy";
  if (await hasCertificate(volume, id)) return "there";
  await removeFolder(`${draws}/${id}${UNFINISHED}`);
  const certificate = await compute();
  try {
    await writeFiles(`${draws}/${id}${UNFINISHED}`, certificate, signal);
    await Deno.rename(`${draws}/${id}${UNFINISHED}`, certificateFolder(volume, id));
  } catch (error) {
    // This frees its room on a full disk.
    await removeFolder(`${draws}/${id}${UNFINISHED}`).catch(() => {});
    throw error;
  }
  await syncFolder(draws);
  await syncFolder(volume);
  return "written";
}

async function removeFolder(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function writeFiles(
  folder: string,
  certificate: Certificate,
  signal?: AbortSignal,
): Promise<void> {
  await Deno.mkdir(folder, { mode: FOLDER_MODE });
  const text = await writeFile(`${folder}/${RESULT_TEXT}`, certificateText(certificate), signal);
  const pieces = certificateJson(certificate, { name: RESULT_TEXT, ...text });
  await writeFile(`${folder}/${RESULT_JSON}`, pieces, signal, sealOf);
  await syncFolder(folder);
}

/** Writes a file durably, followed by what `seal` makes of its digest. */
async function writeFile(
  path: string,
  pieces: Iterable<string>,
  signal?: AbortSignal,
  seal?: (sha256: string) => string,
): Promise<Omit<FileDigest, "name">> {
  using file = await Deno.open(path, { createNew: true, write: true, mode: FILE_MODE });
  const hash = createHash("sha256");
  const courtesy = new Courtesy();
  let bytes = 0;
  const write = async (text: string) => {
    signal?.throwIfAborted();
    await courtesy.giveWay();
    const chunk = encoder.encode(text);
    hash.update(chunk);
    for (let at = 0; at < chunk.length;) at += await file.write(chunk.subarray(at));
    bytes += chunk.length;
  };
  let chunk = "";
  for (const piece of pieces) {
    chunk += piece;
    if (chunk.length < CHUNK_CHARS) continue;
    await write(chunk);
    chunk = "";
  }
  await write(chunk);
  const sha256 = hash.copy().digest("hex");
  if (seal !== undefined) await write(seal(sha256));
  await file.sync();
  return { bytes, sha256 };
}

async function syncFolder(path: string): Promise<void> {
  // Windows can neither open nor sync a folder, and need not.
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(path);
  await folder.sync();
}
