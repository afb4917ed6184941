/**
 * The names of streams and subjects. Several lotteries may share a cluster: all names begin with LEDGER_NAME.
 *
 * @module
 */

/** The part of a draw's id that is in the names of its streams. */
const ID_LETTERS = 8;

/** The parts of the names of a draw's streams. */
export interface DrawNames {
  /** LEDGER_NAME. */
  name: string;
  /** The draw's UUID. */
  id: string;
  /** The number of streams. */
  partitions: number;
}

/** The stream that lists the draws of a lottery. */
export function drawsStream(name: string): string {
  return `${name.toUpperCase()}_DRAWS`;
}

/** The subject of {@linkcode drawsStream}. */
export function drawsSubject(name: string): string {
  return `${name}.draws`;
}

/** The stream that holds the bets of one partition. */
export function betsStream({ name, id }: DrawNames, partition: number): string {
  return `${name.toUpperCase()}_${id.slice(0, ID_LETTERS)}_${partition}`;
}

/** The subjects of {@linkcode betsStream}, with a wildcard for the agency. */
export function betsSubjects({ name, id }: DrawNames, partition: number): string {
  return `${name}.${id.slice(0, ID_LETTERS)}.bets.${partition}.*`;
}

/** The partition of an agency. */
export function partitionOf(agency: number, { partitions }: DrawNames): number {
  return agency % partitions;
}

/** The subject of an agency's messages. */
export function agencySubject(draw: DrawNames, agency: number): string {
  return betsSubjects(draw, partitionOf(agency, draw)).replace("*", String(agency));
}

/** The agency of a subject; NaN if it has none. */
export function agencyOfSubject(subject: string): number {
  const agency = subject.slice(subject.lastIndexOf(".") + 1);
  return /^[1-9]\d{0,3}$/.test(agency) ? Number(agency) : NaN;
}
