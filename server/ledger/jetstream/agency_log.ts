/**
 * The messages of one agency, as one server appends them.
 *
 * Every append names the message that it follows, so it is stored in exactly that place or never. Everything follows
 * from that condition: a server whose knowledge is stale is refused, reads what came in between, and decides again;
 * after a close all appends are refused; and if an answer was lost, what is stored in the place of that append shows
 * its outcome.
 *
 * Reads may be stale, so they only add knowledge. What a read did not return is never a reason to refuse an append or
 * to answer with a number.
 *
 * @module
 */

import type { LedgerFigures } from "../figures.ts";
import type { AppendResult, CloseResult, ProgressResult } from "../ledger.ts";
import type {
  LogMessage,
  MessageKind,
  PublishResult,
  ReplicatedLog,
  StoredMessage,
} from "./replicated_log.ts";
import type { Patience } from "./patience.ts";
import type { Turns } from "./turns.ts";

/** Least time from one mark of an agency to the next: marks make other servers read again. */
const MARK_INTERVAL_MS = 100;

const NO_ROWS = new Uint8Array(0);
const NO_ANSWER = { status: "unknown", reason: "the log has not answered in time" } as const;
const NOT_SENT = {
  status: "unknown",
  reason:
    "it was not sent in time: more messages waited before it than the log stores in that time",
} as const;
const OTHERS_FIRST = "other messages of the agency came first each time";
const UNDECIDED = "the log has not shown in time what became of an attempt without an answer";

/** Bets to append. */
export interface NewBets {
  rows: Uint8Array<ArrayBuffer>;
  count: number;
  /** How many bets of the agency the sender believes to be stored. */
  expectedBets: number | undefined;
}

/** The last message of an agency that is known. There may be newer ones. */
interface Known {
  /** 0 if no message is known. */
  sequence: number;
  bets: number;
  isClosed: boolean;
}

/** The outcome of a message. */
type Placed =
  | { status: "stored" }
  /** Another message has its place: it is not stored and never will be. That message is known now. */
  | { status: "superseded" }
  | { status: "refused" | "unknown"; reason: string };

/** A question for the number of stored bets. */
interface Asker {
  /** Askers are numbered in the order of their questions. */
  number: number;
  endsAt: number;
  answer: (result: ProgressResult) => void;
}

/** Options of {@linkcode AgencyLog}. */
export interface AgencyLogOptions {
  log: ReplicatedLog;
  patience: Patience;
  /** Counts refusals. */
  figures: LedgerFigures;
  /** Limits how many messages are on their way at once, those of other agencies included. */
  turns: Turns;
}

/** Appends and closes run one after the other, in the order of the calls; marks when none of them waits. */
export class AgencyLog {
  readonly #agency: number;
  readonly #log: ReplicatedLog;
  readonly #patience: Patience;
  readonly #figures: LedgerFigures;
  readonly #turns: Turns;
  /** Undefined until something has been read, appended or followed. */
  #known: Known | undefined;
  #operations: (() => Promise<void>)[] = [];
  #askers: Asker[] = [];
  #askersEver = 0;
  #markedAt = -Infinity;
  /** Wakes a mark that waits for its time, because an operation has come. */
  #wake: () => void = () => {};
  #isWorking = false;
  #working = Promise.resolve();

  constructor(agency: number, { log, patience, figures, turns }: AgencyLogOptions) {
    this.#agency = agency;
    this.#log = log;
    this.#patience = patience;
    this.#figures = figures;
    this.#turns = turns;
  }

  /** Bets that are known to be stored. */
  get bets(): number {
    return this.#known?.bets ?? 0;
  }

  /** Takes note of a stored message, wherever it was read. */
  learn({ sequence, bets, kind }: Pick<StoredMessage, "sequence" | "bets" | "kind">): void {
    if (this.#known !== undefined && this.#known.sequence >= sequence) return;
    this.#known = { sequence, bets, isClosed: kind === "close" };
  }

  /** Appends bets. */
  append(bets: NewBets): Promise<AppendResult> {
    return this.#enqueue((endsAt) => this.#append(bets, endsAt));
  }

  /** Appends the close, unless there is one. */
  close(): Promise<CloseResult> {
    return this.#enqueue((endsAt) => this.#close(endsAt));
  }

  /**
   * Counts the stored bets: those before a message that was appended after the call. That may be an append of
   * this server; if there is none, it is a mark.
   */
  progress(): Promise<ProgressResult> {
    // Nothing follows a close.
    if (this.#known?.isClosed) {
      return Promise.resolve({ status: "known", bets: this.#known.bets });
    }
    const { promise, resolve } = Promise.withResolvers<ProgressResult>();
    const number = this.#askersEver++;
    this.#askers.push({ number, endsAt: this.#patience.endsAt(), answer: resolve });
    this.#start();
    return promise;
  }

  /** Resolves when there is nothing left to do. */
  idle(): Promise<void> {
    return this.#working;
  }

  #enqueue<Result>(operation: (endsAt: number) => Promise<Result>): Promise<Result> {
    const { promise, resolve } = Promise.withResolvers<Result>();
    const endsAt = this.#patience.endsAt();
    this.#operations.push(async () => resolve(await operation(endsAt)));
    this.#wake();
    this.#start();
    return promise;
  }

  #start(): void {
    if (this.#isWorking) return;
    this.#isWorking = true;
    this.#working = this.#work();
  }

  async #work(): Promise<void> {
    while (this.#operations.length > 0 || this.#askers.length > 0) {
      const operation = this.#operations.shift();
      if (operation !== undefined) await operation();
      else if (await this.#mayMark()) await this.#mark();
    }
    this.#isWorking = false;
  }

  /** Waits until the next mark may be appended; returns false if an operation came first. */
  async #mayMark(): Promise<boolean> {
    const waitMs = this.#markedAt + MARK_INTERVAL_MS - this.#patience.now();
    if (waitMs > 0) {
      const { promise: woken, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await this.#patience.pause(waitMs, woken);
    }
    return this.#operations.length === 0;
  }

  async #append({ rows, count, expectedBets }: NewBets, endsAt: number): Promise<AppendResult> {
    /** Whether `known` was the last message at some moment of this call. */
    let isCurrent = false;
    for (;;) {
      const known = await this.#knowledge(endsAt);
      if (known === undefined) return this.#unknown("the bets are not stored");
      if (known.isClosed) {
        return this.#figures.refuse("closed", `agency ${this.#agency} is closed`);
      }
      const isExpected = expectedBets === undefined || expectedBets === known.bets;
      // Bets are never fewer than is known, but they may be more.
      if (!isExpected && (isCurrent || known.bets > expectedBets)) {
        return this.#figures.refuse("count", this.#unexpected(known.bets, expectedBets));
      }
      const placed = isExpected
        ? await this.#place("bets", { known, rows, bets: known.bets + count, endsAt })
        : await this.#place("mark", { known, endsAt });
      if (placed.status === "superseded") continue;
      if (placed.status === "refused") return this.#figures.refuse("other", placed.reason);
      if (placed.status !== "stored" || isExpected) return placed;
      isCurrent = true;
    }
  }

  #unexpected(stored: number, expected: number): string {
    return `agency ${this.#agency} has ${stored} bets, but this connection expects ${expected}: others were ` +
      "stored since; ask for progress and continue from there";
  }

  async #close(endsAt: number): Promise<CloseResult> {
    for (;;) {
      const known = await this.#knowledge(endsAt);
      if (known === undefined) return this.#unknown("the agency is not closed");
      if (known.isClosed) return { status: "closed", repeated: true };
      const placed = await this.#place("close", { known, endsAt });
      if (placed.status === "stored") return { status: "closed", repeated: false };
      if (placed.status !== "superseded") return { status: "unknown", reason: placed.reason };
    }
  }

  /** Appends a mark, which answers the waiting askers. */
  async #mark(): Promise<void> {
    const endsAt = Math.min(...this.#askers.map(({ endsAt }) => endsAt));
    const known = await this.#knowledge(endsAt);
    if (known === undefined) this.#giveUpAskers();
    else if (known.isClosed) this.#answerAskers({ before: this.#askersEver, bets: known.bets });
    else {
      const placed = await this.#place("mark", { known, endsAt });
      if (placed.status !== "superseded") this.#markedAt = this.#patience.now();
    }
  }

  /** Answers the askers with a number below `before`. */
  #answerAskers({ before, bets }: { before: number; bets: number }): void {
    if (this.#askers.length === 0) return;
    const answered = this.#askers.filter(({ number }) => number < before);
    this.#askers = this.#askers.filter(({ number }) => number >= before);
    for (const { answer } of answered) answer({ status: "known", bets });
  }

  /** Answers the askers whose time has ended. */
  #giveUpAskers(): void {
    const late = this.#askers.filter(({ endsAt }) => this.#patience.isOver(endsAt));
    this.#askers = this.#askers.filter((asker) => !late.includes(asker));
    for (const { answer } of late) answer(this.#unknown("the number of bets is not known"));
  }

  /**
   * Appends a message after the last known one, again and again until it is certain that it is stored there, or
   * that it never will be.
   */
  async #place(
    kind: MessageKind,
    { known, rows = NO_ROWS, bets = known.bets, endsAt }: {
      known: Known;
      rows?: Uint8Array<ArrayBuffer>;
      bets?: number;
      endsAt: number;
    },
  ): Promise<Placed> {
    const message: LogMessage = { id: crypto.randomUUID(), kind, bets, rows };
    // All who have asked by now get their number from this message, if it is stored.
    const before = this.#askersEver;
    const placed = await this.#attempt(message, known.sequence, endsAt);
    if (placed.status === "stored") this.#answerAskers({ before, bets });
    return placed;
  }

  async #attempt(message: LogMessage, expected: number, endsAt: number): Promise<Placed> {
    /** Whether an attempt has no answer: the message may be stored, now or later. */
    let isDoubtful = false;
    for (;;) {
      const result = await this.#publish(message, expected, endsAt);
      if (result.status === "stored") {
        this.learn({ ...message, sequence: result.sequence });
        return { status: "stored" };
      }
      if (result.status === "mismatch") {
        const became = await this.#resolve(message, { expected, isDoubtful, endsAt });
        if (became !== undefined) return { status: became };
      } else if (result.status === "refused" && !isDoubtful) return result;
      else isDoubtful = true;
      this.#giveUpAskers();
      if (!await this.#patience.retry(endsAt)) {
        if (result.status !== "mismatch") return this.#unknown(result.reason);
        return this.#unknown(isDoubtful ? UNDECIDED : OTHERS_FIRST);
      }
    }
  }

  /** Publishes a message when it is its turn, or never if that is not before `endsAt`. */
  async #publish(message: LogMessage, expected: number, endsAt: number): Promise<PublishResult> {
    let isSent = false;
    const publishing = this.#turns.run((): Promise<PublishResult> => {
      if (this.#patience.isOver(endsAt)) return Promise.resolve(NOT_SENT);
      isSent = true;
      return this.#log.publish(this.#agency, message, expected);
    });
    const result = await this.#patience.until(endsAt, publishing);
    return result ?? (isSent ? NO_ANSWER : NOT_SENT);
  }

  /**
   * Determines the outcome of a message whose last attempt was refused.
   *
   * @returns Nothing if it cannot be known yet: reads may be stale or fail, and a leader also refuses a message
   * while an earlier attempt is in process.
   */
  async #resolve(
    { id }: LogMessage,
    { expected, isDoubtful, endsAt }: { expected: number; isDoubtful: boolean; endsAt: number },
  ): Promise<"stored" | "superseded" | undefined> {
    try {
      if (isDoubtful) {
        // Only what follows the expected message shows whether an earlier attempt is stored.
        const next = await this.#patience.until(endsAt, this.#log.after(this.#agency, expected));
        if (next === undefined) return undefined;
        this.learn(next);
        if (next.id === id) return "stored";
      }
      const last = await this.#patience.until(endsAt, this.#log.last(this.#agency));
      if (last !== undefined) this.learn(last);
      if (last?.id === id) return "stored";
    } catch {
      if (isDoubtful) return undefined;
    }
    return this.#known!.sequence > expected ? "superseded" : undefined;
  }

  /** Returns what is known of the agency; undefined if nothing could be read in time. */
  async #knowledge(endsAt: number): Promise<Known | undefined> {
    while (this.#known === undefined) {
      const last = await this.#patience.until(endsAt, this.#readLast());
      if (last !== undefined) this.learn(last);
      else if (!await this.#patience.retry(endsAt)) return undefined;
    }
    return this.#known;
  }

  /** Returns the last message, or what stands for it in an agency without messages. */
  async #readLast(): Promise<Pick<StoredMessage, "sequence" | "bets" | "kind"> | undefined> {
    try {
      return await this.#log.last(this.#agency) ?? { sequence: 0, bets: 0, kind: "mark" };
    } catch {
      return undefined;
    }
  }

  #unknown(reason: string): { status: "unknown"; reason: string } {
    return { status: "unknown", reason: `agency ${this.#agency}: ${reason}` };
  }
}
