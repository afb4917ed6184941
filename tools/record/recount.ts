/**
 * Counts the rows of a ledger anew, to compare them with a certificate. Nothing here is shared with the one who
 * wrote it: rows are read and judged as `check` does.
 *
 * @module
 */

import { createHash, type Hash } from "node:crypto";
import { parse } from "@std/csv";
import { LAST_DAY, ROW_BYTES_MAX, RowChecker, type RowFault } from "../../server/ledger/bet_row.ts";
import { COMMA, LINE_FEED } from "../../shared/ascii.ts";
import { ByteBuffer } from "../../shared/bytes.ts";

/** Rows of an agency that are hashed at once. */
const HASHED_BYTES = 64 * 1024;

/** A row that is not a valid bet. */
export interface InvalidRow {
  line: number;
  /** The broken rule, without any value. */
  rule: string;
}

/** A bet that wins. */
export interface CountedWinner {
  document: string;
  position: number;
  line: number;
}

/** What a recount needs to know of the lottery. */
export interface RecountRules {
  agencies: number;
  winningNumber: number;
}

/** The recount of all rows. */
export class Recount {
  /** The first row that is not a valid bet. */
  invalid: InvalidRow | undefined;
  rows = 0;
  readonly #checker: RowChecker;
  readonly #winningNumber: number;
  readonly #agencies = new Map<number, CountedAgency>();
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #staged: CountedAgency | undefined;
  readonly #staging = new Uint8Array(HASHED_BYTES);
  #stagedBytes = 0;

  constructor({ agencies, winningNumber }: RecountRules) {
    this.#checker = new RowChecker({ agencies, today: LAST_DAY });
    this.#winningNumber = winningNumber;
  }

  /** Counts the row from `from` to `to`, which a line end follows. */
  take(bytes: Uint8Array, from: number, to: number): void {
    this.rows++;
    const fault = to - from >= ROW_BYTES_MAX ? TOO_LONG : this.#checker.check(bytes, from, to);
    if (fault !== undefined) {
      this.invalid ??= { line: this.rows, rule: fault.rule };
      return;
    }
    const agency = this.of(this.#checker.agency);
    agency.bets++;
    this.#stage(agency, bytes.subarray(from, to + 1));
    const comma = bytes.lastIndexOf(COMMA, to - 1);
    const number = Number(this.#decoder.decode(bytes.subarray(comma + 1, to)));
    if (number === this.#winningNumber) this.#addWinner(agency, bytes.subarray(from, to));
  }

  /** What was counted of an agency. */
  of(agency: number): CountedAgency {
    let counted = this.#agencies.get(agency);
    if (counted === undefined) this.#agencies.set(agency, counted = new CountedAgency());
    return counted;
  }

  /** Ends the recount. */
  end(): void {
    this.#flush();
  }

  #addWinner(agency: CountedAgency, row: Uint8Array): void {
    const text = this.#decoder.decode(row);
    const document = (text.includes('"') ? parse(text)[0] : text.split(","))[3];
    agency.winners.add({ document, position: agency.bets, line: this.rows });
  }

  #stage(agency: CountedAgency, row: Uint8Array): void {
    const isFull = this.#stagedBytes + row.length > this.#staging.length;
    if (agency !== this.#staged || isFull) this.#flush();
    this.#staged = agency;
    this.#staging.set(row, this.#stagedBytes);
    this.#stagedBytes += row.length;
  }

  #flush(): void {
    this.#staged?.hash.update(this.#staging.subarray(0, this.#stagedBytes));
    this.#stagedBytes = 0;
  }
}

const TOO_LONG: Pick<RowFault, "rule"> = { rule: `it is longer than ${ROW_BYTES_MAX} bytes` };

/** The rows of one agency. */
export class CountedAgency {
  bets = 0;
  readonly hash: Hash = createHash("sha256");
  readonly winners = new CountedWinners();

  /** SHA-256 of its rows, in hexadecimal. */
  get sha256(): string {
    return this.hash.copy().digest("hex");
  }
}

/** Winners, in the order of their bets: a few bytes each. */
class CountedWinners {
  length = 0;
  readonly #bytes = new ByteBuffer(64);

  add({ document, position, line }: CountedWinner): void {
    this.length++;
    this.#bytes.writeText(`${position};${line};${document}\n`);
  }

  *[Symbol.iterator](): Generator<CountedWinner, void> {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    const bytes = this.#bytes.view();
    for (let from = 0, end; from < bytes.length; from = end + 1) {
      end = bytes.indexOf(LINE_FEED, from);
      const [position, line, document] = decoder.decode(bytes.subarray(from, end)).split(";");
      yield { document, position: Number(position), line: Number(line) };
    }
  }
}
