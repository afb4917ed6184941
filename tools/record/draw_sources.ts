/**
 * The draws whose ledgers can be read, and where their certificates are.
 *
 * @module
 */

import { certificateFolder, hasCertificate } from "../../server/certificate/certificate_folder.ts";
import { CLOSED_FILE } from "../../server/ledger/file/volume_files.ts";
import { unlessNotFound } from "../project.ts";
import { readIdentity } from "./volume_identity.ts";
import { isDrawFinished } from "./ledger_archive.ts";
import type { RecountedLedger } from "./verification.ts";
import { recountVolume } from "./volume_recount.ts";

/** A draw whose ledger can be read. */
export interface DrawSource {
  /** The id of the lottery. Nothing if its ledger does not say it any more. */
  id: string | undefined;
  createdAt: string | null;
  /** Whether it is the current draw. */
  isCurrent: boolean;
  ledger: "files" | "jetstream";
  /** Where its ledger is, for messages. */
  place: string;
  /** The folder to which a missing certificate is written, without its id. */
  certificates: string;
  /** Whether every agency has closed. */
  isDrawn(): Promise<boolean>;
  /** When the last agency closed, in RFC 3339. */
  lastClosedAt(): Promise<string>;
  /** Reads all rows. */
  recount(): Promise<RecountedLedger>;
}

/** Returns the draws on a volume: the current one, then those of the archive, the newest first. */
export async function volumeDraws(volume: string): Promise<DrawSource[]> {
  const entries = await unlessNotFound(Array.fromAsync(Deno.readDir(`${volume}/archive`))) ?? [];
  const names = entries.filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
  const archived = names.sort().reverse().map((name) => `${volume}/archive/${name}`);
  const current = await sourceOf(volume, { isCurrent: true });
  const earlier = await Promise.all(
    archived.map((folder) => sourceOf(folder, { isCurrent: false })),
  );
  return [current, ...earlier].filter((source) => source !== undefined);
}

async function sourceOf(
  folder: string,
  { isCurrent }: { isCurrent: boolean },
): Promise<DrawSource | undefined> {
  const closed = `${folder}/${CLOSED_FILE}`;
  const identity = await readIdentity(folder);
  const info = await unlessNotFound(Deno.stat(closed));
  if (identity === undefined && !info?.size) return undefined;
  return {
    id: identity?.id ?? await certifiedId(folder),
    createdAt: identity?.createdAt ?? null,
    isCurrent,
    ledger: "files",
    place: folder,
    certificates: folder,
    // Without its identity the number of agencies is unknown.
    isDrawn: async () => identity === undefined || await isDrawFinished(folder, identity.agencies),
    lastClosedAt: async () => ((await Deno.stat(closed)).mtime ?? new Date()).toISOString(),
    recount: () => recountVolume(folder),
  };
}

/** The id of the only certificate beside a ledger that has lost its identity. */
async function certifiedId(folder: string): Promise<string | undefined> {
  const entries = await unlessNotFound(Array.fromAsync(Deno.readDir(`${folder}/draws`))) ?? [];
  const ids = entries.filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
  return ids.length === 1 ? ids[0] : undefined;
}

/**
 * Returns the folder of a draw's certificate: beside its ledger, or else on the volume. Nothing if there is
 * none.
 */
export async function findCertificate(
  { id, certificates }: DrawSource,
  volume: string,
): Promise<string | undefined> {
  for (const folder of [certificates, volume]) {
    if (id !== undefined && await hasCertificate(folder, id)) return certificateFolder(folder, id);
  }
}
