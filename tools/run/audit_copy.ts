/**
 * Copies of audit logs, for folders that hold the record of a draw: the archive, backups.
 *
 * @module
 */

import { serversIn } from "../../server/audit/audit_heads.ts";
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
