/**
 * Answers which bets are stored. Concurrent questions share one read of the files, so that hundreds of them cannot
 * starve writers.
 *
 * @module
 */

import type { BetsDigest } from "../../../shared/mod.ts";
import type { BetsFile } from "./bets_file.ts";
import { RowDigests } from "./row_digests.ts";
import { SerialQueue } from "./serial_queue.ts";

/** Callers who ask about agencies at the same time. */
interface Query<Answer> {
  agencies: Set<number>;
  answers: Promise<Map<number, Answer>>;
}

/** What the questions need of the ledger. */
export interface StoredQueriesOptions {
  /** Runs work in turn with the rounds. */
  inTurn: <Result>(work: () => Promise<Result>) => Promise<Result>;
  /** Makes bets.csv durable up to the end of a round. */
  cover: (size: number) => Promise<void>;
}

/** Counts and digests durable bets. */
export class StoredQueries {
  readonly #bets: BetsFile;
  readonly #options: StoredQueriesOptions;
  readonly #digests: RowDigests;
  /** Rows are hashed while rounds run, not in turn with them. */
  readonly #hashing = new SerialQueue();
  #counting: Query<number> | undefined;
  #digesting: Query<BetsDigest> | undefined;

  constructor(bets: BetsFile, options: StoredQueriesOptions) {
    this.#bets = bets;
    this.#options = options;
    this.#digests = new RowDigests(bets.read);
  }

  /** The number of an agency's durable bets. */
  count(agency: number): Promise<number> {
    return join(this.#counting ??= this.#startCounting(), agency);
  }

  /** The digest of an agency's durable bets. */
  digest(agency: number): Promise<BetsDigest> {
    return join(this.#digesting ??= this.#startDigesting(), agency);
  }

  /** Waits until nothing is read any more. */
  idle(): Promise<void> {
    return this.#hashing.run(() => {});
  }

  #startCounting(): Query<number> {
    const agencies = new Set<number>();
    const begin = () => this.#counting = undefined;
    const answers = this.#countDurably(agencies, begin).then(({ counts }) => counts);
    return { agencies, answers };
  }

  #startDigesting(): Query<BetsDigest> {
    const agencies = new Set<number>();
    const begin = () => this.#digesting = undefined;
    const answers = this.#hashing.run(async () => {
      const { counts, size } = await this.#countDurably(agencies, begin);
      await this.#digests.advanceTo(size);
      const answer = (bets: number, agency: number) => ({
        bets,
        sha256: this.#digests.digest(agency),
      });
      return new Map(Array.from(counts, ([agency, bets]) => [agency, answer(bets, agency)]));
    });
    return { agencies, answers };
  }

  /**
   * Counts the bets of agencies, and makes them durable: those of this server are.
   *
   * @param begin Called when no further agency can be added.
   */
  async #countDurably(agencies: ReadonlySet<number>, begin: () => void) {
    const bets = this.#bets;
    const { foreignSize, ...counted } = await this.#options.inTurn(() => {
      begin();
      return bets.exclusively(() => ({
        counts: new Map(Array.from(agencies, (agency) => [agency, bets.count(agency)])),
        size: bets.size,
        foreignSize: bets.foreignSize,
      }));
    });
    await this.#options.cover(foreignSize);
    return counted;
  }
}

/** Adds an agency to a query, and waits for its answer. */
async function join<Answer>(query: Query<Answer>, agency: number): Promise<Answer> {
  query.agencies.add(agency);
  return (await query.answers).get(agency)!;
}
