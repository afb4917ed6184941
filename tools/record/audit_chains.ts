/**
 * Verifies the audit logs of all servers: each chain from its first line that is kept to its last, and the lines
 * that the certificate of a draw anchors. docs/record.md describes them.
 *
 * @module
 */

import { serversIn } from "../../server/audit/audit_heads.ts";
import {
  digestLine,
  fileName,
  fileNumbers,
  NO_LINE,
  parseLine,
  type ServerHead,
} from "../../server/audit/audit_files.ts";
import { LINE_FEED } from "../../shared/ascii.ts";
import { Difference } from "./difference.ts";
import { readLines } from "./line_reader.ts";

/** What was verified. */
export interface VerifiedAudit {
  /** The servers that have a chain. */
  servers: number;
  /** The lines of all chains. */
  lines: number;
}

/**
 * Verifies the chains of all servers.
 *
 * @param folder The folder with one folder for each server. A missing one has no chains.
 * @param anchors What the certificate states of them.
 * @throws {Difference} At the first line that is not as a server has written it.
 */
export async function verifyAudit(
  folder: string,
  anchors: readonly ServerHead[],
): Promise<VerifiedAudit> {
  const found = serversIn(folder);
  const missing = anchors.find(({ server }) => !found.includes(server));
  if (missing !== undefined) {
    throw new Difference(
      `audit log of ${missing.server}: it is missing in ${folder}, and result.json states its line ` +
        `${missing.line}. If the audit logs are elsewhere, give their folder with --audit`,
    );
  }
  let lines = 0;
  for (const server of found) {
    const anchor = anchors.find((anchor) => anchor.server === server);
    lines += await new Chain(`${folder}/${server}`, server).verify(anchor);
  }
  return { servers: found.length, lines };
}

/** A line, as it is in a file. */
interface FoundLine {
  /** Its file, and its number there, counted from 1. */
  place: string;
  bytes: Uint8Array;
  parsed: ReturnType<typeof parseLine>;
  /** Whether the file it is in is the newest. */
  isNewestFile: boolean;
}

class Chain {
  readonly #folder: string;
  readonly #server: string;

  constructor(folder: string, server: string) {
    this.#folder = folder;
    this.#server = server;
  }

  /** Returns the number of lines. */
  async verify(anchor: ServerHead | undefined): Promise<number> {
    const numbers = await this.#fileNumbers();
    // The lines of earlier files were dropped; nobody can say any more what came before.
    let expected = numbers[0] > 1 ? undefined : { line: 1, previous: NO_LINE };
    let [count, last] = [0, 0];
    for await (const line of this.#lines(numbers)) {
      // A server was killed while it wrote this line, and keeps it beside the file when it starts again.
      if (line.bytes.at(-1) !== LINE_FEED && line.isNewestFile) break;
      const { parsed } = line;
      const isNext = parsed !== undefined && line.bytes.at(-1) === LINE_FEED &&
        (expected === undefined ||
          parsed.line === expected.line && parsed.previous === expected.previous);
      if (!isNext) throw await this.#differenceAt(line, { numbers, count, expected });
      const sha256 = digestLine(line.bytes);
      if (count === 0 && anchor !== undefined && anchor.line < parsed.line) {
        throw this.#difference(
          `line ${anchor.line}, which result.json states, is not kept any more: the oldest one is line ` +
            `${parsed.line}. AUDIT_FILES says how many files a server keeps`,
        );
      }
      if (parsed.line === anchor?.line && sha256 !== anchor.sha256) {
        throw this.#difference(
          `${line.place}: line ${parsed.line} has changed since the draw: its SHA-256 is ${sha256}, and ` +
            `result.json has ${anchor.sha256}`,
        );
      }
      last = parsed.line;
      expected = { line: last + 1, previous: sha256 };
      count++;
    }
    if (anchor === undefined || last >= anchor.line) return count;
    throw this.#difference(
      `it is truncated: it ends with line ${last}, and result.json states line ${anchor.line}`,
    );
  }

  /** Returns the numbers of the files. Only a server drops files, and says so in the first line of the newest. */
  async #fileNumbers(): Promise<number[]> {
    const entries = await Array.fromAsync(Deno.readDir(this.#folder));
    const numbers = fileNumbers(entries.map(({ name }) => name));
    const newest = numbers.at(-1);
    if (newest === undefined) return [];
    const first = Math.min(await this.#firstKept(numbers) ?? numbers[0], numbers[0]);
    for (let number = first; number < newest; number++) {
      if (numbers.includes(number)) continue;
      throw this.#difference(`the file ${fileName(number)} with its lines was removed`);
    }
    return numbers;
  }

  /** The oldest file that is kept, as the newest one says that has a first line. */
  async #firstKept(numbers: readonly number[]): Promise<number | undefined> {
    for (const number of numbers.toReversed()) {
      for await (const bytes of readLines(`${this.#folder}/${fileName(number)}`)) {
        const first = parseLine(bytes, this.#server)?.first;
        return typeof first === "number" ? first : undefined;
      }
    }
  }

  async *#lines(numbers: readonly number[]): AsyncGenerator<FoundLine, void> {
    for (const number of numbers) {
      let row = 0;
      const isNewestFile = number === numbers.at(-1);
      for await (const bytes of readLines(`${this.#folder}/${fileName(number)}`)) {
        const place = `${fileName(number)}, row ${++row}`;
        yield { place, bytes, parsed: parseLine(bytes, this.#server), isNewestFile };
      }
    }
  }

  /** Says what has happened to the chain where it is broken. */
  async #differenceAt(
    { place, bytes, parsed }: FoundLine,
    { numbers, count, expected }: {
      numbers: readonly number[];
      count: number;
      expected: { line: number; previous: string } | undefined;
    },
  ): Promise<Difference> {
    const because = (what: string) => this.#difference(`${place}: ${what}`);
    if (bytes.at(-1) !== LINE_FEED) return because("the line is truncated");
    if (parsed === undefined) return because(`it has changed, or is not a line of ${this.#server}`);
    const { line: wanted, previous } = expected!;
    const { line } = parsed;
    const digest = digestLine(bytes);
    const later = await this.#linesAfter(numbers, count);
    const isLater = (line: number) => later.some((other) => other.line === line);
    if (line < wanted) return because(`line ${line} was inserted: it is there twice`);
    if (line === wanted) {
      if (isLater(line)) return because(`line ${line} was inserted: it is there twice`);
      const isWhole = later[0]?.previous === digest;
      if (isWhole || later.length === 0) {
        const which = isWhole ? `line ${line - 1}` : `line ${line - 1} or ${line}`;
        return because(
          `${which} has changed: line ${line} states ${parsed.previous} for it, not ${previous}`,
        );
      }
      return because(`line ${line} has changed`);
    }
    if (later[0]?.line === wanted + 1) {
      return because(`line ${wanted} has changed: it says ${line}`);
    }
    if (!isLater(wanted)) {
      const which = line === wanted + 1
        ? `line ${wanted} was`
        : `lines ${wanted} to ${line - 1} were`;
      return because(`${which} removed before line ${line}`);
    }
    return because(
      isLater(line)
        ? `line ${line} was inserted: it is there twice`
        : `lines were reordered: line ${line} stands before line ${wanted}`,
    );
  }

  /** The lines after the one at an index, as far as they can be read. */
  async #linesAfter(
    numbers: readonly number[],
    index: number,
  ): Promise<{ line: number; previous: string }[]> {
    const later: { line: number; previous: string }[] = [];
    let at = 0;
    for await (const { parsed } of this.#lines(numbers)) {
      if (at++ <= index || parsed === undefined) continue;
      later.push({ line: parsed.line, previous: parsed.previous });
    }
    return later;
  }

  #difference(what: string): Difference {
    return new Difference(`audit log of ${this.#server}: ${what}`);
  }
}
