/**
 * Judges the streams of a draw, message by message.
 *
 * @module
 */

import { LAST_DAY, ROW_BYTES_MAX, RowChecker } from "../../server/ledger/bet_row.ts";
import type { DrawRecord } from "../../server/ledger/jetstream/draw_record.ts";
import {
  EXPECTED_SEQUENCE_HEADER,
  InvalidMessageError,
  parseMessage,
  type RawMessage,
} from "../../server/ledger/jetstream/messages.ts";
import { agencySubject } from "../../server/ledger/jetstream/names.ts";
import type { StoredMessage } from "../../server/ledger/jetstream/replicated_log.ts";
import { LINE_FEED } from "../../shared/ascii.ts";
import { AGENCIES_MAX } from "../../shared/bet.ts";
import { FaultList } from "../check/fault_list.ts";
import type { StreamLedger, StreamState } from "./stream_ledger.ts";

/** The findings about a stream. */
export interface StreamFindings {
  name: string;
  /** Nothing if the stream is missing. */
  state: StreamState | undefined;
  /** Bytes of rows. */
  bytes: number;
  rows: number;
  /** Faults of messages, by their sequence. */
  faults: FaultList;
  /** Messages after the close of their agency. */
  afterClose: FaultList;
}

/** All findings about a draw. */
export interface DrawExamination {
  draw: DrawRecord;
  streams: StreamFindings[];
  /** Valid rows by agency. */
  counts: Float64Array;
  /** 1 for each agency that has closed. */
  isClosed: Uint8Array;
  /** How many of the draw's agencies have closed. */
  closedCount: number;
  /** When the last of them closed, in milliseconds since 1970. */
  lastCloseMs: number;
}

/** Reads all streams of a draw, and judges them meanwhile. */
export class DrawExaminer {
  /** What has been found so far. */
  readonly found: DrawExamination;
  readonly #ledger: StreamLedger;
  readonly #judge: MessageJudge;

  constructor(ledger: StreamLedger, draw: DrawRecord) {
    this.#ledger = ledger;
    this.found = {
      draw,
      streams: [],
      counts: new Float64Array(AGENCIES_MAX + 1),
      isClosed: new Uint8Array(AGENCIES_MAX + 1),
      closedCount: 0,
      lastCloseMs: 0,
    };
    this.#judge = new MessageJudge(ledger.name, this.found);
  }

  /**
   * Yields the messages that a server can have written, stream by stream, each as it is at one moment.
   *
   * @throws {TaskError} If a stream cannot be read to its end.
   */
  async *messages(): AsyncGenerator<StoredMessage, void> {
    const { found } = this;
    for (const { name, state } of await this.#ledger.streams(found.draw)) {
      const [faults, afterClose] = [new FaultList(), new FaultList()];
      const findings = { name, state, bytes: 0, rows: 0, faults, afterClose };
      found.streams.push(findings);
      if (state === undefined) continue;
      const stream = this.#judge.begin(findings);
      for await (const raw of this.#ledger.read(name, state.lastSequence)) {
        const message = stream.take(raw);
        if (message !== undefined) yield message;
      }
      stream.end(state.lastSequence);
    }
    found.closedCount = found.isClosed.reduce((sum, one) => sum + one, 0);
  }

  /** Yields the bets of all messages, as rows of bets.csv without their line ends. */
  async *rows(): AsyncGenerator<Uint8Array, void> {
    for await (const { rows } of this.messages()) {
      for (let from = 0, end; from < rows.length; from = end + 1) {
        end = rows.indexOf(LINE_FEED, from);
        yield rows.subarray(from, end);
      }
    }
  }

  /** Reads everything, and returns all findings. */
  async examine(): Promise<DrawExamination> {
    for await (const _message of this.messages());
    return this.found;
  }
}

/** What is known of an agency after a message. */
interface AgencyState {
  sequence: number;
  id: string;
  bets: number;
}

const NO_MESSAGE: AgencyState = { sequence: 0, id: "", bets: 0 };

/** Judges the messages of all streams of a draw. */
class MessageJudge {
  readonly #names: { name: string; id: string; partitions: number };
  readonly #found: DrawExamination;
  readonly #checker: RowChecker;
  readonly #agencies = new Map<number, AgencyState>();

  constructor(name: string, found: DrawExamination) {
    this.#names = { name, ...found.draw };
    this.#found = found;
    this.#checker = new RowChecker({ agencies: found.draw.agencies, today: LAST_DAY });
  }

  /** Begins a stream. Its messages are given in their order. */
  begin(findings: StreamFindings) {
    let next = 1;
    const expectSequence = (sequence: number) => {
      if (sequence > next) {
        const last = sequence - 1;
        const what = last === next ? `message ${next} is` : `messages ${next} to ${last} are`;
        addFault(findings.faults, { sequence: next, kind: "missing", text: `${what} missing` });
      }
      next = sequence + 1;
    };
    return {
      /** Judges a message. Returns it if a server can have written it. */
      take: (raw: RawMessage): StoredMessage | undefined => {
        expectSequence(raw.sequence);
        return this.#take(raw, findings);
      },
      /** Ends the stream, whose last message has the sequence `last`. */
      end: (last: number) => expectSequence(last + 1),
    };
  }

  #take(raw: RawMessage, findings: StreamFindings): StoredMessage | undefined {
    const { sequence } = raw;
    const fault = (kind: string, text: string) =>
      addFault(findings.faults, { sequence, kind, text });
    let message: StoredMessage;
    try {
      message = parseMessage(raw);
    } catch (error) {
      if (!(error instanceof InvalidMessageError)) throw error;
      return void fault("not a server's", error.message);
    }
    const { agency } = message;
    if (agency > this.#found.draw.agencies) {
      fault("agency", `agency ${agency} is over ${this.#found.draw.agencies}, their number`);
    } else if (raw.subject !== agencySubject(this.#names, agency)) {
      fault("subject", `${raw.subject} belongs into another stream`);
    }
    const known = this.#agencies.get(agency) ?? NO_MESSAGE;
    for (const [kind, text] of orderFaults(raw, { message, known })) fault(kind, text);
    const rows = this.#checkRows(message, findings);
    findings.bytes += message.rows.length;
    findings.rows += rows;
    if (known.bets + rows !== message.bets) {
      fault(
        "count",
        `agency ${agency} has ${
          known.bets + rows
        } bets with it, but its header says ${message.bets}`,
      );
    }
    this.#countClose(message, findings);
    if (message.kind === "close") {
      this.#found.lastCloseMs = Math.max(this.#found.lastCloseMs, raw.storedAtMs ?? 0);
    }
    this.#agencies.set(agency, { sequence, id: message.id, bets: message.bets });
    return message;
  }

  /** Judges the rows of a message. Returns how many it has. */
  #checkRows({ rows, agency, sequence }: StoredMessage, { faults }: StreamFindings): number {
    let count = 0;
    for (let from = 0, end; from < rows.length; from = end + 1) {
      end = rows.indexOf(LINE_FEED, from);
      count++;
      const length = end + 1 - from;
      const fault = length > ROW_BYTES_MAX
        ? { kind: "too long", text: `is ${length} bytes long` }
        : this.#checker.check(rows, from, end);
      if (fault !== undefined) {
        addFault(faults, { sequence, kind: fault.kind, text: `row ${count}: ${fault.text}` });
      } else if (this.#checker.agency !== agency) {
        const text = `row ${count} is of agency ${this.#checker.agency}, not ${agency}`;
        addFault(faults, { sequence, kind: "agency", text });
      } else this.#found.counts[agency]++;
    }
    return count;
  }

  #countClose({ agency, kind, sequence }: StoredMessage, { afterClose }: StreamFindings): void {
    const { isClosed, draw } = this.#found;
    if (isClosed[agency] === 1) {
      const text = `agency ${agency} has closed before this message of kind ${kind}`;
      addFault(afterClose, { sequence, kind: "after the close", text });
    }
    if (kind === "close" && agency <= draw.agencies) isClosed[agency] = 1;
  }
}

/** Yields what shows that a message was not appended to the one that was its agency's last. */
function* orderFaults(
  { header }: RawMessage,
  { message: { agency, id }, known }: { message: StoredMessage; known: AgencyState },
): Generator<[kind: string, text: string]> {
  const expected = header(EXPECTED_SEQUENCE_HEADER);
  if (expected !== String(known.sequence)) {
    yield [
      "condition",
      `it expects "${expected}" to be the last message of agency ${agency}, which is ${known.sequence}`,
    ];
  }
  if (id === known.id) {
    yield ["twice", `agency ${agency}: the message before it has the same id, ${id}`];
  }
}

function addFault(
  faults: FaultList,
  { sequence, kind, text }: { sequence: number; kind: string; text: string },
): void {
  faults.add({ kind, text }, { number: sequence, offset: 0 });
}
