/**
 * Copies of the record of a draw, that is its certificate and the audit logs, for the archive and for backups.
 *
 * @module
 */

import { serversIn } from "../../server/audit/audit_heads.ts";
import {
  certificateFolder,
  hasCertificate,
  RESULT_JSON,
  RESULT_TEXT,
} from "../../server/certificate/certificate_folder.ts";
import { FolderDisk } from "../../server/ledger/disk.ts";
import { unlessNotFound } from "../project.ts";
import { AUDIT_FOLDER, fileName, fileNumbers } from "../../server/audit/audit_files.ts";

/**
 * Copies the audit logs beside a ledger. Their servers may write meanwhile: what is copied is then the beginning
 * of a chain.
 *
 * @param from The folder of the ledger.
 * @param to Another one. A chain that it has already is left as it is.
 * @param copyFile Copies a file, or links it.
 */
export async function copyAudit(
  from: string,
  to: string,
  copyFile: (from: string, to: string) => Promise<void>,
): Promise<void> {
  const there = serversIn(`${to}/${AUDIT_FOLDER}`);
  for (const server of serversIn(`${from}/${AUDIT_FOLDER}`)) {
    if (there.includes(server)) continue;
    const [source, target] = [from, to].map((folder) => `${folder}/${AUDIT_FOLDER}/${server}`);
    await Deno.mkdir(target, { recursive: true });
    const numbers = fileNumbers(Array.from(Deno.readDirSync(source), ({ name }) => name));
    for (const number of numbers) {
      await copyFile(`${source}/${fileName(number)}`, `${target}/${fileName(number)}`);
    }
  }
}

/** Copies the certificate of a draw, if it has one. */
export async function copyCertificate(from: string, to: string, id: string): Promise<void> {
  if (!await hasCertificate(from, id) || await hasCertificate(to, id)) return;
  const folder = certificateFolder(to, id);
  const unfinished = `${folder}.unfinished`;
  await unlessNotFound(Deno.remove(unfinished, { recursive: true }));
  await Deno.mkdir(unfinished, { recursive: true, mode: 0o750 });
  for (const name of [RESULT_TEXT, RESULT_JSON]) {
    await copyDurably(`${certificateFolder(from, id)}/${name}`, `${unfinished}/${name}`);
  }
  new FolderDisk(unfinished).syncFolder();
  await Deno.rename(unfinished, folder);
  new FolderDisk(`${folder}/..`).syncFolder();
}

/** Copies a file, which must not be there. */
export async function copyDurably(from: string, to: string): Promise<void> {
  using source = await Deno.open(from);
  using target = await Deno.open(to, { createNew: true, write: true, mode: 0o640 });
  const chunk = new Uint8Array(1024 * 1024);
  for (let count; (count = await source.read(chunk)) !== null;) {
    for (let at = 0; at < count;) at += await target.write(chunk.subarray(at, count));
  }
  await target.sync();
}
