/**
 * The settings of the audit log: those whose names begin with AUDIT.
 *
 * @module
 */

import type { SettingsReader } from "../../shared/config.ts";
import { quoteText } from "../../shared/readable.ts";
import { AUDIT_NAME } from "./audit_files.ts";

/** The settings of the audit log. */
export interface AuditSettings {
  /** AUDIT_LOG: the folder with one folder for each server. */
  folder: string;
  /** AUDIT_NAME; nothing for the name of the host. */
  name: string | undefined;
  /** AUDIT_FILE_BYTES. */
  fileBytesMax: number;
  /** AUDIT_FILES. */
  filesMax: number;
}

/**
 * Reads the settings of the audit log. Returns nothing if there is to be no audit log. Faults are added to the
 * reader.
 */
export function readAuditSettings(reader: SettingsReader): AuditSettings | undefined {
  const folder = reader.text("AUDIT_LOG", "");
  const name = reader.text("AUDIT_NAME", "");
  const settings = {
    folder,
    name: name === "" ? undefined : name,
    fileBytesMax: reader.integer("AUDIT_FILE_BYTES", {
      min: 4096,
      max: 1024 * 1024 * 1024,
      default: 16 * 1024 * 1024,
    }),
    filesMax: reader.integer("AUDIT_FILES", { min: 2, max: 100_000, default: 64 }),
  };
  if (name !== "" && !AUDIT_NAME.test(name)) reader.fault(nameFault("AUDIT_NAME", name));
  return folder === "" ? undefined : settings;
}

/** What is wrong with a name. */
export function nameFault(what: string, name: string): string {
  return `${what} is ${
    quoteText(name)
  }: give AUDIT_NAME up to 64 letters, digits, dots, hyphens and underscores`;
}
