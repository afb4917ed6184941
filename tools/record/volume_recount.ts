/**
 * Recounts a ledger in files: a volume, a folder of its archive, or a backup.
 *
 * @module
 */

import { ROW_BYTES_MAX } from "../../server/ledger/bet_row.ts";
import { parseIdentity } from "../../server/ledger/file/lottery_identity.ts";
import { BETS_FILE, CLOSED_FILE, IDENTITY_FILE } from "../../server/ledger/file/volume_files.ts";
import { FatalLedgerError } from "../../server/ledger/fatal_error.ts";
import { parseClosedAgencies } from "../../server/ledger/file/closed_agencies.ts";
import { scanLines } from "../check/lines.ts";
import { VolumeReader } from "../check/volume_reader.ts";
import { unlessNotFound } from "../project.ts";
import { Recount } from "./recount.ts";
import { Difference } from "./difference.ts";
import { digestFile, type RecountedLedger } from "./verification.ts";

/**
 * Reads all rows of a ledger whose draw is over: no server writes to it.
 *
 * @throws {Difference} If its identity is missing or damaged.
 */
export async function recountVolume(folder: string): Promise<RecountedLedger> {
  const identity = await identityOf(folder);
  const recount = new Recount(identity);
  using volume = new VolumeReader(folder);
  const bets = await digestFile(`${folder}/${BETS_FILE}`) ?? { bytes: 0, sha256: "" };
  const { end } = scanLines({
    read: volume.readBets,
    to: bets.bytes,
    lineBytesMax: ROW_BYTES_MAX,
    onLine: ({ bytes, from, to }) => recount.take(bytes, from, to),
  });
  recount.end();
  if (end < bets.bytes) {
    recount.invalid ??= { line: recount.rows + 1, rule: "it has no line end" };
  }
  const closed = await unlessNotFound(Deno.readFile(`${folder}/${CLOSED_FILE}`));
  return {
    place: BETS_FILE,
    recount,
    identity,
    files: [
      { name: BETS_FILE, ...bets },
      {
        name: CLOSED_FILE,
        ...await digestFile(`${folder}/${CLOSED_FILE}`) ?? { bytes: 0, sha256: "" },
      },
    ],
    closed: parseClosedAgencies(closed ?? new Uint8Array()).agencies,
  };
}

async function identityOf(folder: string): Promise<RecountedLedger["identity"]> {
  const text = await unlessNotFound(Deno.readTextFile(`${folder}/${IDENTITY_FILE}`));
  if (text === undefined) throw new Difference(`${IDENTITY_FILE}: it is missing`);
  try {
    return parseIdentity(text);
  } catch (error) {
    if (!(error instanceof FatalLedgerError)) throw error;
    throw new Difference(`${IDENTITY_FILE}: it is not the identity of a lottery any more`);
  }
}
