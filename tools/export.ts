/**
 * `deno task export`: writes the bets and closed agencies of a ledger to files.
 *
 * @module
 */

import { BETS_FILE, CLOSED_FILE } from "../server/ledger/file/volume_files.ts";
import { quoteText } from "../shared/readable.ts";
import { runCommand, UsageError } from "./command.ts";
import { TASK, TaskError, unlessNotFound } from "./project.ts";
import { LEDGER_FLAG, LEDGER_FORMS } from "./run/ledger_choice.ts";
import { EXPORT_FORMATS, ExportFolder } from "./export/export_folder.ts";
import { exportStreams } from "./export/export_streams.ts";
import { exportVolume } from "./export/export_volume.ts";
import { isOnStreams, readToolLedger, withStreams } from "./streams/tool_ledger.ts";

const USAGE =
  `Writes what is stored to FOLDER/${BETS_FILE} and FOLDER/${CLOSED_FILE}, in the form of a ledger in files: from the
streams of a ledger on JetStream, or from a shared volume. Servers may be running. The bets of an agency are in
their order; those of different agencies may be in another order than they were stored in.

Usage: ${TASK} export --to FOLDER [--format FORMAT] [--ledger LEDGER | --volume DIR]

  --to        the folder, which is made if it is missing; files that are there are never overwritten
  --format    csv, or jsonl for bets.jsonl instead of ${BETS_FILE}: one JSON object a line (default: csv)
  --ledger    the ledger, if it is not that of LEDGER in the environment, .env or server/config.ini:
              ${LEDGER_FORMS}
              The nodes that up starts are started for the export if they do not run
  --volume    the folder of a ledger in files (default: the server's SHARED_VOLUME)
  --help      show this text

Exit code:
  0  everything is written, and durable
  1  it is not, or what is stored has faults: ${TASK} check lists them
  2  a wrong argument or setting`;

const OPTIONS = {
  ...LEDGER_FLAG,
  to: { type: "string" },
  format: { type: "string", default: "csv" },
  volume: { type: "string" },
} as const;

interface ExportFlags {
  to?: string;
  format: string;
  ledger?: string;
  volume?: string;
}

async function run(
  { to, format, ledger: flag, volume }: ExportFlags,
): Promise<number> {
  if (to === undefined || to === "") throw new UsageError("--to is missing: give a folder");
  const found = EXPORT_FORMATS.find((one) => one === format);
  if (found === undefined) {
    throw new UsageError(`--format is ${quoteText(format)}: give ${EXPORT_FORMATS.join(" or ")}`);
  }
  if (flag !== undefined && volume !== undefined) {
    throw new UsageError("--volume and --ledger exclude each other");
  }
  if (volume !== undefined) await assertFolder(volume);
  const ledger = volume === undefined ? readToolLedger({ flag, action: "export" }) : undefined;
  await using folder = await ExportFolder.open(to, found);
  const { bets, closed, faults } = ledger !== undefined && isOnStreams(ledger)
    ? await withStreams(ledger, (streams) => exportStreams(streams, folder))
    : await exportVolume(volume ?? ledger!.server.sharedVolume, folder);
  await folder.finish();
  const [betsName, closedName] = folder.names;
  console.log(`${folder.path}/${betsName}: ${bets} bets`);
  console.log(`${folder.path}/${closedName}: ${closed} closed agencies`);
  if (faults === 0) return 0;
  throw new TaskError(
    `What is stored has ${faults} faults, and so may these files: list them with ${TASK} check`,
  );
}

async function assertFolder(path: string): Promise<void> {
  const info = await unlessNotFound(Deno.stat(path));
  if (info?.isDirectory) return;
  throw new UsageError(`--volume is ${path}, which is no folder: give the folder of ${BETS_FILE}`);
}

if (import.meta.main) Deno.exit(await runCommand({ usage: USAGE, options: OPTIONS, run }));
