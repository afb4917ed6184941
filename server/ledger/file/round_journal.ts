/**
 * The journal of bets.csv: the file bets.csv.round, two lines of fixed length, overwritten in place under the
 * lock of bets.csv.
 *
 * The first line announces the current round: where in bets.csv the last round of appends begins and ends. A writer
 * that is killed halfway leaves bets.csv shorter than that, and the next holder of the lock knows what to truncate,
 * so that a batch is whole or absent. Announcements of rounds are not synced: after a power cut the redo logs say
 * what bets.csv holds, and a line of an older epoch no longer counts. Only the beginning of an epoch is synced:
 * otherwise the journal of an earlier version might reappear.
 *
 * The second line is the mark of agencies_closed.txt: what was durable of it when the line was written.
 *
 * @module
 */

import { startsWith } from "../../../shared/bytes.ts";
import { type DiskFile, readFully, writeAll } from "../disk.ts";
import { FixedLine } from "./fixed_line.ts";

/** The current round. */
export interface Round {
  /** The epoch in which it was announced. */
  epoch: number;
  /** Position in bets.csv at which the round begins. */
  from: number;
  /** Position in bets.csv at which the round ends. */
  to: number;
  /** How often bets.csv was truncated. */
  cuts: number;
}

/** The durable part of agencies_closed.txt. */
export interface ClosedMark {
  /** Its size in bytes. */
  closed: number;
  /** Its checksum. */
  closedSum: number;
}

/** What a server of an earlier version, which knows no redo log, has announced and known to be durable. */
export interface EarlierRound {
  /** Its last round; nothing if that line is damaged. */
  round?: { from: number; to: number };
  /** Durable bytes of bets.csv. */
  bets: number;
}

/** The message of a server that meets one of an earlier version. */
export const NO_EARLIER_SERVER =
  "Cannot continue: a server of an earlier version writes to this volume. It knows no redo logs, and would cut " +
  "what others store. Stop all servers, and start those of one version";

/** The mark of a volume on which no close is known to be durable. */
export const NO_MARK: ClosedMark = { closed: 0, closedSum: 0 };

const ROUND_LINE = new FixedLine<keyof Round>({ epoch: 12, from: 16, to: 16, cuts: 12 });
const MARK_LINE = new FixedLine<keyof ClosedMark>({ closed: 16, closedSum: 10 });

const EARLIER_ROUND_LINE = new FixedLine({ from: 16, to: 16, cuts: 12, recalls: 12 });
const EARLIER_MARK_LINE = new FixedLine({ bets: 16, closed: 16, closedSum: 10 });

/** Size of the whole journal in bytes. */
export const JOURNAL_BYTES = ROUND_LINE.bytes + MARK_LINE.bytes;
/** Size of the journal of an earlier version. */
const EARLIER_BYTES = EARLIER_ROUND_LINE.bytes + EARLIER_MARK_LINE.bytes;

/** The content of a journal. */
export interface JournalContent {
  /** The last announced round; nothing if the journal is new or damaged. */
  round?: Round;
  mark: ClosedMark;
  /** What an earlier version has written; nothing if it was this one. */
  earlier?: EarlierRound;
}

/** Parses the content of a journal. A line that is missing or damaged promises nothing. */
export function parseJournal(bytes: Uint8Array): JournalContent {
  const earlier = EARLIER_ROUND_LINE.parse(bytes);
  const earlierMark = EARLIER_MARK_LINE.parse(bytes.subarray(EARLIER_ROUND_LINE.bytes));
  if (earlier !== undefined || earlierMark !== undefined) {
    const { bets, ...mark } = earlierMark ?? { bets: 0, ...NO_MARK };
    return { mark, earlier: { round: earlier && { from: earlier.from, to: earlier.to }, bets } };
  }
  const mark = MARK_LINE.parse(bytes.subarray(ROUND_LINE.bytes)) ?? NO_MARK;
  return { round: ROUND_LINE.parse(bytes), mark };
}

/** Reads the content of a journal. */
export function readJournal(file: Pick<DiskFile, "read">): JournalContent {
  const buffer = new Uint8Array(Math.max(JOURNAL_BYTES, EARLIER_BYTES));
  return parseJournal(buffer.subarray(0, readFully(file, buffer, 0)));
}

/** Reads and writes the journal. The lock of bets.csv must be held. */
export class RoundJournal {
  readonly #file: DiskFile;
  readonly #found = new Uint8Array(JOURNAL_BYTES);
  /** The lines as last read or written, and their parsed form: usually they have not changed since. */
  readonly #bytes = new Uint8Array(JOURNAL_BYTES);
  #length = 0;
  #content: JournalContent = { mark: NO_MARK };

  constructor(file: DiskFile) {
    this.#file = file;
  }

  /** The mark, as last read or written. */
  get mark(): ClosedMark {
    return this.#content.mark;
  }

  /** The round, as last read or written. */
  get round(): Round | undefined {
    return this.#content.round;
  }

  /** Whether the name leads to this file, or did so up to `maxAgeMs` ago. */
  isCurrent(maxAgeMs: number): boolean {
    return this.#file.isCurrent(maxAgeMs);
  }

  /** Reads both lines. */
  read(): JournalContent {
    const length = readFully(this.#file, this.#found, 0);
    const found = this.#found.subarray(0, length);
    if (length !== this.#length || !startsWith(this.#bytes, found)) {
      this.#bytes.set(found);
      this.#length = length;
      this.#content = parseJournal(found);
      // That of an earlier version is longer.
      if (this.#content.round === undefined) this.#content = readJournal(this.#file);
    }
    return this.#content;
  }

  /** Begins the journal of an epoch, in which nothing has been announced yet. Keeps the mark. */
  restart({ epoch, size }: { epoch: number; size: number }): void {
    const { round, mark } = this.read();
    this.begin({ epoch, from: size, to: size, cuts: (round?.cuts ?? 0) + 1 }, mark);
    // That of an earlier version is longer.
    if (this.#file.size() > JOURNAL_BYTES) this.#file.truncate(JOURNAL_BYTES);
  }

  /** Flushes the journal to stable storage. */
  sync(): Promise<void> {
    return this.#file.sync();
  }

  /** Announces a round before it is written. */
  begin(round: Round, mark: ClosedMark = this.mark): void {
    ROUND_LINE.format(round, this.#bytes);
    this.#content = { round, mark };
    this.#writeMark(mark, 0);
  }

  /** Records what is durable of agencies_closed.txt. */
  writeMark(mark: ClosedMark): void {
    this.#content = { ...this.#content, mark };
    this.#writeMark(mark, this.#length < ROUND_LINE.bytes ? 0 : ROUND_LINE.bytes);
  }

  close(): void {
    this.#file.close();
  }

  #writeMark(mark: ClosedMark, from: number): void {
    MARK_LINE.format(mark, this.#bytes.subarray(ROUND_LINE.bytes));
    this.#length = JOURNAL_BYTES;
    writeAll(this.#file, this.#bytes.subarray(from), from);
  }
}
