/**
 * Answers which bets are stored. Questions that are asked at the same time share one look at the files, so that
 * hundreds of them cannot starve writers.
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

/** Runs work in turn with the rounds of the ledger. */
type InTurn = <Result>(work: () => Promise<Result>) => Promise<Result>;

/** Counts and digests durable bets. */
export class StoredQueries {
  readonly #bets: BetsFile;
  readonly #inTurn: InTurn;
  readonly #digests: RowDigests;
  /** Rows are hashed while rounds run, not in turn with them. */
  readonly #hashing = new SerialQueue();
  #hashedGeneration = 0;
  #counting: Query<number> | undefined;
  #digesting: Query<BetsDigest> | undefined;

  constructor(bets: BetsFile, inTurn: InTurn) {
    this.#bets = bets;
    this.#inTurn = inTurn;
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
    const answers = this.#inTurn(() => {
      this.#counting = undefined;
      return this.#countDurably(agencies);
    });
    return { agencies, answers };
  }

  #startDigesting(): Query<BetsDigest> {
    const agencies = new Set<number>();
    const answers = this.#hashing.run(async () => {
      const { counts, size, generation } = await this.#inTurn(async () => {
        this.#digesting = undefined;
        const counts = await this.#countDurably(agencies);
        return { counts, size: this.#bets.size, generation: this.#bets.generation };
      });
      if (generation !== this.#hashedGeneration) this.#digests.clear();
      this.#hashedGeneration = generation;
      await this.#digests.advanceTo(size);
      const answer = (bets: number, agency: number) => ({
        bets,
        sha256: this.#digests.digest(agency),
      });
      return new Map(Array.from(counts, ([agency, bets]) => [agency, answer(bets, agency)]));
    });
    return { agencies, answers };
  }

  /** Counts the bets of agencies, and makes them durable. */
  async #countDurably(agencies: ReadonlySet<number>): Promise<Map<number, number>> {
    for (;;) {
      await this.#bets.exclusively(() => {});
      const counts = new Map(Array.from(agencies, (agency) => [agency, this.#bets.count(agency)]));
      await this.#bets.sync();
      if (await this.#bets.confirm()) return counts;
    }
  }
}

/** Adds an agency to a query, and waits for its answer. */
async function join<Answer>(query: Query<Answer>, agency: number): Promise<Answer> {
  query.agencies.add(agency);
  return (await query.answers).get(agency)!;
}
