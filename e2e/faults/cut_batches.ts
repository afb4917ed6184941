/**
 * What a power cut may leave of a batch. Of a batch that was under way when the power went, and never
 * answered, a beginning may be there: one server's sync takes to the disk what another has written by then.
 * Nothing else may ever be there in part.
 *
 * @module
 */

/** Bets `from` up to `to`, which is not among them. */
export interface Span {
  from: number;
  to: number;
}

/** A batch of which a beginning may be there. */
interface CutBatch extends Span {
  /** Bytes of bets.csv when the power came back: what is left of the batch stands before them. */
  fileSize: number;
}

/** Follows one agency's batches from one power cut to the next. */
export class CutBatches {
  /** Batches that were sent since the last power cut, and not answered. */
  #underWay: Span[] = [];
  /** Batches that a power cut met, until a server says how many bets are stored. */
  #cut: CutBatch[] = [];
  /**
   * Where batches turned out to end that are there in part: behind so many bets of the agency, the last of
   * them before so many bytes of bets.csv.
   */
  readonly ends: Map<number, number> = new Map();
  #isPowerOff = false;

  sent(batch: Span): void {
    // The servers are dead: what is sent to them now gets nowhere.
    if (!this.#isPowerOff) this.#underWay.push(batch);
  }

  /** A batch was acknowledged or refused: it is whole, or absent. */
  answered({ from, to }: Span): void {
    const isOther = (batch: Span) => batch.from !== from || batch.to !== to;
    this.#underWay = this.#underWay.filter(isOther);
    this.#cut = this.#cut.filter(isOther);
  }

  /** @param stored How many of the agency's bets were known to be stored: a batch under way begins there. */
  powerCut(stored: number): void {
    const met = this.#underWay.filter(({ from }) => from === stored);
    this.#cut.push(...met.map((batch) => ({ ...batch, fileSize: Infinity })));
    this.#underWay = [];
    this.#isPowerOff = true;
  }

  powerBack(fileSize: number): void {
    for (const batch of this.#cut) batch.fileSize = Math.min(batch.fileSize, fileSize);
    this.#isPowerOff = false;
  }

  /** A server says that so many bets are stored. The first such word behind a power cut settles it. */
  told(bets: number): void {
    // Said before the power went, and heard behind it.
    if (this.#isPowerOff) return;
    const met = this.#cut.find((batch) => isWithin(batch, bets));
    if (met !== undefined) this.ends.set(bets, met.fileSize);
    this.#cut = [];
  }

  /**
   * Whether the agency's bets may end behind `bets` of them because a power cut has met the batch.
   *
   * @param offset Of the last of these bets in bets.csv.
   */
  mayEndAt(bets: number, offset: number): boolean {
    const fileSize = this.ends.get(bets) ??
      this.#cut.find((batch) => isWithin(batch, bets))?.fileSize;
    return fileSize !== undefined && offset < fileSize;
  }
}

/** Whether the batch is neither absent nor whole if its agency has so many bets. */
function isWithin({ from, to }: Span, bets: number): boolean {
  return from < bets && bets < to;
}
