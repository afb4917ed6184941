/**
 * A lottery that is made up and runs as fast as its caller likes, for pictures and tests of the board.
 *
 * @module
 */

import { writeDrawRecord } from "./draw_record.ts";
import { FakeLotteryStatus, type FakeStatusOptions } from "./fake_lottery_status.ts";
import { Random } from "./random.ts";
import { type TempFolder, tempFolder } from "./temp_folder.ts";

const SEED = 7574;
const BETS_MIN = 9_000;
const BETS_MAX = 24_000;

/** A lottery whose bets grow. At the end of the block its servers stop. */
export class FakeLotteryRun implements AsyncDisposable {
  readonly status: FakeLotteryStatus;
  /** How many bets each agency will have, agency 1 first. */
  readonly betsExpected: number[];
  readonly #random = new Random(SEED);
  readonly #draws: TempFolder = tempFolder();

  constructor(options: FakeStatusOptions) {
    this.status = new FakeLotteryStatus(options);
    this.betsExpected = this.status.agencies.map(() => this.#random.integer(BETS_MIN, BETS_MAX));
  }

  /** The folder of the records of draws. */
  get draws(): string {
    return this.#draws.path;
  }

  /**
   * Lets agencies send a part of their bets, about `share` of them; those that have sent all of them close.
   *
   * @param except Agencies that send nothing.
   */
  advance(share: number, except: readonly number[] = []): void {
    for (const agency of this.status.agencies) {
      if (agency.closed || except.includes(agency.agency)) continue;
      const expected = this.betsExpected[agency.agency - 1];
      const bets = Math.round(expected * share * (0.4 + 1.2 * this.#random.next()));
      agency.bets = Math.min(expected, agency.bets + bets);
      agency.closed = agency.bets === expected;
    }
    for (const server of this.status.servers) {
      server.connections = server.isUp ? this.#random.integer(0, 3) : 0;
    }
  }

  /** Lets all agencies send the rest and close. */
  finish(): void {
    for (const agency of this.status.agencies) {
      agency.bets = this.betsExpected[agency.agency - 1];
      agency.closed = true;
    }
  }

  /** Writes the record of the draw. */
  async record(): Promise<void> {
    const { id, agencies } = this.status;
    const drawn = agencies.map(({ bets }) => ({
      bets,
      documents: Array.from(
        { length: this.#random.integer(0, 4) },
        () => String(this.#random.integer(20_000_000, 45_000_000)),
      ),
    }));
    await writeDrawRecord(this.draws, { id, winningNumber: 7574, agencies: drawn });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.status[Symbol.asyncDispose]();
    await this.#draws[Symbol.asyncDispose]();
  }
}
