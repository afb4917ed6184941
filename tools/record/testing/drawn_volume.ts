/**
 * A volume with a finished draw, as servers leave it, for tests.
 *
 * @module
 */

import { AuditChain } from "../../../server/audit/audit_chain.ts";
import { AUDIT_FOLDER } from "../../../server/audit/audit_files.ts";
import { readAuditHeads } from "../../../server/audit/audit_heads.ts";
import { Certifier } from "../../../server/certificate/certifier.ts";
import { FolderDisk } from "../../../server/ledger/disk.ts";
import { openFileLedger } from "../../../server/ledger/file/file_ledger.ts";
import { BETS_FILE, CLOSED_FILE } from "../../../server/ledger/file/volume_files.ts";
import { openLog, SERVER_LEVELS } from "../../../shared/logging.ts";
import { BetDecoder } from "../../../shared/mod.ts";
import { type TempFolder, tempFolder } from "../../../testing/temp_folder.ts";

/** The number that wins. */
export const WINNING_NUMBER = 7574;
const AGENCIES = 3;
const WINS_EVERY = 17;

/** A volume, and the id of its draw. */
export interface DrawnVolume extends TempFolder {
  id: string;
}

/** Options of {@linkcode drawnVolume}. */
export interface DrawnVolumeOptions {
  /** Bets of each agency. @default {60} */
  bets?: number;
  /** Whether every agency closes. @default {true} */
  closes?: boolean;
  /** Whether the server has an audit log, in `audit` on the volume. @default {false} */
  hasAudit?: boolean;
}

/** Stores bets of three agencies in turns, closes them, and waits for the certificate. */
export async function drawnVolume(options: DrawnVolumeOptions = {}): Promise<DrawnVolume> {
  const { bets = 60, closes = true, hasAudit = false } = options;
  const folder = tempFolder();
  const log = openLog({ levels: SERVER_LEVELS, level: "CRITICAL", sink: () => {} });
  const ledger = await openFileLedger(new FolderDisk(folder.path), {
    agencies: AGENCIES,
    winningNumber: WINNING_NUMBER,
    log,
  });
  const decoder = new BetDecoder("rows");
  for (let from = 1; from <= bets; from += 10) {
    for (let agency = 1; agency <= AGENCIES; agency++) {
      const batch = Array.from({ length: 10 }, (_, index) => betOf(agency, from + index)).join(":");
      const packet = new TextEncoder().encode(`StoreBatch:${agency};${batch}`);
      const rules = { agencies: AGENCIES, today: 20261123 };
      await ledger.append(decoder.decode("StoreBatch", packet, rules));
    }
  }
  const { id } = ledger.identity;
  if (closes) {
    for (let agency = 1; agency <= AGENCIES; agency++) await ledger.close(agency);
    const audit = `${folder.path}/${AUDIT_FOLDER}`;
    if (hasAudit) writeAudit(audit);
    await using certifier = new Certifier({
      readHeads: () => readAuditHeads(audit),
      volume: folder.path,
      identity: ledger.identity,
      files: { bets: BETS_FILE, closed: CLOSED_FILE },
      software: "1.2.3",
      log,
    });
    certifier.certify((await ledger.draw())!);
    await certifier.done();
  }
  await ledger[Symbol.asyncDispose]();
  return { ...folder, id };
}

/** Writes the audit log of a server. */
function writeAudit(folder: string): void {
  const disk = new FolderDisk(`${folder}/server1`);
  using chain = AuditChain.open(disk, { server: "server1", fileBytesMax: 1000, filesMax: 2 });
  for (let agency = 1; agency <= AGENCIES; agency++) chain.append("closing", { agency });
  chain.append("drawn");
}

/** A bet; the name of one in five is quoted in its row. */
function betOf(agency: number, position: number): string {
  const number = position % WINS_EVERY === agency ? WINNING_NUMBER : position;
  const name = position % 5 === 0 ? `Ana, the "${position}"` : "José";
  return `${name};Paz;${agency}00${position};1980-01-01;${number}`;
}
