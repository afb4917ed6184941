/**
 * The files of an export. They appear whole or not at all, and never in place of others.
 *
 * @module
 */

import { FolderDisk } from "../../server/ledger/disk.ts";
import { BETS_FILE, CLOSED_FILE } from "../../server/ledger/file/volume_files.ts";
import { LINE_FEED } from "../../shared/ascii.ts";
import { parseRow } from "../../shared/rows.ts";
import { TaskError, unlessNotFound } from "../project.ts";

/** Ends the name of a file that is not complete yet. */
const UNFINISHED = ".unfinished";
/** How bets are written: as rows of {@linkcode BETS_FILE}, or as one JSON object a line. */
export const EXPORT_FORMATS = ["csv", "jsonl"] as const;
export type ExportFormat = typeof EXPORT_FORMATS[number];
const JSON_FILE = "bets.jsonl";
/** Bytes that are collected before they are written. */
const CHUNK_BYTES = 1024 * 1024;

/** What an export has written. */
export interface ExportResult {
  bets: number;
  closed: number;
  /** Faults of what is stored. */
  faults: number;
}

/** The folder of an export. Unless it is finished, its files are removed at the end of the block. */
export class ExportFolder implements AsyncDisposable {
  readonly path: string;
  /** Takes the rows of bets, in pieces of any size. */
  readonly bets: ExportFile;
  readonly closed: ExportFile;
  /** The names of the two files. */
  readonly names: readonly [bets: string, closed: string];
  #isFinished = false;

  private constructor(path: string, format: ExportFormat) {
    this.path = path;
    this.names = [format === "csv" ? BETS_FILE : JSON_FILE, CLOSED_FILE];
    const [bets, closed] = this.names.map((name) => `${path}/${name}${UNFINISHED}`);
    this.bets = format === "csv" ? new ExportFile(bets) : new JsonLinesFile(bets);
    this.closed = new ExportFile(closed);
  }

  /**
   * Makes the folder and its files.
   *
   * @throws {TaskError} If one of the files is there.
   */
  static async open(path: string, format: ExportFormat = "csv"): Promise<ExportFolder> {
    // Like the volume's files, they are for their owner and its group alone.
    await Deno.mkdir(path, { recursive: true, mode: 0o750 });
    for (const name of [BETS_FILE, JSON_FILE, CLOSED_FILE]) {
      if (await unlessNotFound(Deno.stat(`${path}/${name}`)) === undefined) continue;
      throw new TaskError(
        `Cannot export to ${path}: ${name} is there, and nothing is overwritten. Give another folder with --to`,
      );
    }
    return new ExportFolder(path, format);
  }

  /** Makes the files durable, under their names. */
  async finish(): Promise<void> {
    for (const [index, file] of [this.bets, this.closed].entries()) {
      await file.finish();
      // Unlike a rename, a link fails if another export has been faster.
      await Deno.link(file.path, `${this.path}/${this.names[index]}`);
      await Deno.remove(file.path);
    }
    new FolderDisk(this.path).syncFolder();
    this.#isFinished = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const file of [this.bets, this.closed]) {
      file.close();
      if (!this.#isFinished) await unlessNotFound(Deno.remove(file.path));
    }
  }
}

/** A file that is written from its beginning to its end. */
export class ExportFile {
  readonly path: string;
  readonly #file: Deno.FsFile;
  readonly #chunk = new Uint8Array(CHUNK_BYTES);
  #filled = 0;
  #isClosed = false;

  /** Creates the file, or empties one that an interrupted export has left. */
  constructor(path: string) {
    this.path = path;
    this.#file = Deno.openSync(path, { create: true, write: true, truncate: true, mode: 0o640 });
  }

  write(bytes: Uint8Array): void {
    if (bytes.length > this.#chunk.length - this.#filled) this.#flush();
    if (bytes.length > this.#chunk.length) return this.#writeAll(bytes);
    this.#chunk.set(bytes, this.#filled);
    this.#filled += bytes.length;
  }

  /** Begins the file anew. */
  restart(): void {
    this.#filled = 0;
    this.#file.truncateSync();
    this.#file.seekSync(0, Deno.SeekMode.Start);
  }

  /** Writes what is left, and makes the file durable. */
  async finish(): Promise<void> {
    this.#flush();
    await this.#file.syncData();
    this.close();
  }

  close(): void {
    if (!this.#isClosed) this.#file.close();
    this.#isClosed = true;
  }

  #flush(): void {
    this.#writeAll(this.#chunk.subarray(0, this.#filled));
    this.#filled = 0;
  }

  #writeAll(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
  }
}

/** A file of JSON objects, one a line, that is given rows of bets.csv. */
class JsonLinesFile extends ExportFile {
  /** The beginning of a row whose end has not come yet. */
  #rest = new Uint8Array();

  override write(bytes: Uint8Array): void {
    const rows = new Uint8Array(this.#rest.length + bytes.length);
    rows.set(this.#rest);
    rows.set(bytes, this.#rest.length);
    let from = 0;
    for (let end; (end = rows.indexOf(LINE_FEED, from)) >= 0; from = end + 1) {
      super.write(new TextEncoder().encode(jsonOf(parseRow(rows.subarray(from, end)))));
    }
    this.#rest = rows.slice(from);
  }

  override restart(): void {
    this.#rest = new Uint8Array();
    super.restart();
  }
}

/** Writes a bet as an object. Agency and number are numbers. */
function jsonOf(row: readonly string[]): string {
  const [agency, firstName, lastName, document, birthdate, number] = row;
  const bet = { firstName, lastName, document, birthdate, number: Number(number) };
  return `${JSON.stringify({ agency: Number(agency), ...bet })}\n`;
}
