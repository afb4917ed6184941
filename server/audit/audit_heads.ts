/**
 * Reads the heads of the chains of all servers, to anchor them in a certificate.
 *
 * @module
 */

import { type DiskFile } from "../ledger/disk.ts";
import {
  AUDIT_NAME,
  digestLine,
  fileName,
  fileNumbers,
  parseLine,
  type ServerHead,
} from "./audit_files.ts";
import { lastLine } from "./last_line.ts";

/**
 * Reads the last line of each chain in a folder, and makes it durable. Servers may write meanwhile: chains only
 * grow.
 *
 * @param folder AUDIT_LOG. A missing one has no chains.
 * @throws If a chain does not end in a line of its server.
 */
export function readAuditHeads(folder: string): ServerHead[] {
  return serversIn(folder).map((server) => headOf(`${folder}/${server}`, server))
    .filter((head) => head !== undefined);
}

/** Returns the servers that have a chain in a folder, in the order of their names. */
export function serversIn(folder: string): string[] {
  try {
    return Array.from(Deno.readDirSync(folder))
      .filter(({ isDirectory, name }) => isDirectory && AUDIT_NAME.test(name))
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Returns nothing if the chain has no line. */
function headOf(folder: string, server: string): ServerHead | undefined {
  const numbers = fileNumbers(Array.from(Deno.readDirSync(folder), ({ name }) => name));
  for (const number of numbers.reverse()) {
    using file = Deno.openSync(`${folder}/${fileName(number)}`);
    const disk = readable(file);
    const { bytes } = lastLine(disk, disk.size());
    if (bytes === undefined) continue;
    const line = parseLine(bytes, server);
    if (line === undefined) {
      throw new Error(
        `the audit log ${folder}/${
          fileName(number)
        } does not end in a line of ${server}: examine it with ` +
          "./denow task verify",
      );
    }
    // The certificate is durable, so what it states must be.
    file.syncDataSync();
    return { server, line: line.line, sha256: digestLine(bytes) };
  }
}

function readable(file: Deno.FsFile): Pick<DiskFile, "read" | "size"> {
  return {
    size: () => file.seekSync(0, Deno.SeekMode.End),
    read: (bytes, position) => {
      file.seekSync(position, Deno.SeekMode.Start);
      return file.readSync(bytes) ?? 0;
    },
  };
}
