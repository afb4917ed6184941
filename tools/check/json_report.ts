/**
 * The findings of `deno task check` for a program.
 *
 * @module
 */

import { BETS_FILE, CLOSED_FILE } from "../../server/ledger/file/volume_files.ts";
import type { CheckFault, CheckReport } from "../json_reports.ts";
import type { Examination } from "./examination.ts";
import type { FaultList } from "./fault_list.ts";
import { exitCodeOf, reportOf, verdictOf } from "./report.ts";

/** What a report says besides its faults. */
interface CheckedLedger {
  exitCode: number;
  /** The folder of the files, or the name of the lottery. */
  ledger: string;
  /** How many agencies the lottery has. */
  agencies: number;
  /** Bets by agency. */
  counts: Float64Array;
  /** 1 for an agency that has closed. */
  isClosed: Uint8Array;
  /** The report that a person gets. */
  lines: string[];
}

/** Returns the report of any ledger. */
export function ledgerReport(
  { exitCode, ledger, agencies: count, counts, isClosed, lines }: CheckedLedger,
  faults: CheckFault[],
): CheckReport {
  const agencies = Array.from({ length: count }, (_, index) => ({
    agency: index + 1,
    bets: counts[index + 1],
    closed: isClosed[index + 1] === 1,
  }));
  const bets = agencies.reduce((sum, { bets }) => sum + bets, 0);
  return { type: "check", exitCode, ledger, bets, agencies, faults, lines };
}

/** Returns the report of a volume. */
export function volumeReport(
  found: Examination,
  { volume, agencies }: { volume: string; agencies: number },
): CheckReport {
  const faults = [
    ...faultsOf(BETS_FILE, found.bets.faults),
    ...faultsOf(CLOSED_FILE, found.closed.faults),
    ...found.losses.map(({ file, text }) => ({
      place: file,
      kind: "lost",
      count: 1,
      first: [{ number: 0, text }],
    })),
  ];
  return ledgerReport({
    exitCode: exitCodeOf(found),
    ledger: volume,
    agencies,
    counts: found.bets.counts,
    isClosed: found.closed.isClosed,
    lines: [...reportOf(found, agencies), ...verdictOf(found)],
  }, faults);
}

/** Returns the faults of a file or stream. */
export function faultsOf(place: string, faults: FaultList): CheckFault[] {
  return faults.kinds().map(({ kind, count, first }) => ({
    place,
    kind,
    count,
    first: first.map(({ number, text }) => ({ number, text })),
  }));
}
