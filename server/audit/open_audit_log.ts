/**
 * Opens the audit log of a server.
 *
 * @module
 */

import { FolderDisk } from "../ledger/disk.ts";
import { AuditChain } from "./audit_chain.ts";
import { AUDIT_NAME } from "./audit_files.ts";
import { AuditLog, type AuditLogOptions } from "./audit_log.ts";
import { type AuditSettings, nameFault } from "./audit_settings.ts";

/** Options of {@linkcode openAuditLog}. */
export interface OpenAuditOptions extends AuditLogOptions {
  /** The name of the host, for a server without AUDIT_NAME. */
  hostName: () => string;
  /** The version of the program. */
  software: string;
}

/**
 * Opens the audit log of a server, and records that the server starts.
 *
 * @throws If another server has it, or it cannot be read. A full disk is survived.
 */
export function openAuditLog(
  { folder, name, fileBytesMax, filesMax }: AuditSettings,
  { hostName, software, ...options }: OpenAuditOptions,
): AuditLog {
  const server = name ?? hostName();
  try {
    if (!AUDIT_NAME.test(server)) throw new Error(nameFault("the name of this host", server));
    const disk = new FolderDisk(`${folder}/${server}`);
    const chain = AuditChain.open(disk, { server, fileBytesMax, filesMax });
    // The name of the chain's folder.
    new FolderDisk(folder).syncFolder();
    const audit = new AuditLog(chain, options);
    audit.started(software);
    return audit;
  } catch (cause) {
    throw new Error(`Cannot open the audit log in ${folder}: ${(cause as Error).message}`, {
      cause,
    });
  }
}
