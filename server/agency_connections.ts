/**
 * The limit on the connections of each agency.
 *
 * @module
 */

/** Options of {@linkcode AgencyConnections}. */
export interface AgencyConnectionsOptions {
  /** Connections of an agency. */
  max: number;
  /** Reports that a connection was refused. */
  onRefused: (peer: string, agency: number) => void;
}

/** Counts the connections of each agency: a connection belongs to the agency for which it has last spoken. */
export class AgencyConnections {
  readonly #options: AgencyConnectionsOptions;
  readonly #counts = new Map<number, number>();
  /** Connections that were refused. */
  refused = 0;

  constructor(options: AgencyConnectionsOptions) {
    this.#options = options;
  }

  /** Begins to count a connection, which speaks for nobody yet. Dispose of it when it has ended. */
  open(peer: string): AgencySpeaker {
    return new AgencySpeaker((agency, before) => this.#move(agency, before, peer));
  }

  /** Counts a connection for an agency instead of another one. Returns whether there was room for it. */
  #move(agency: number | undefined, before: number | undefined, peer: string): boolean {
    const { max, onRefused } = this.#options;
    const count = agency === undefined ? 0 : this.#counts.get(agency) ?? 0;
    if (agency !== undefined && count >= max) {
      this.refused++;
      onRefused(peer, agency);
      return false;
    }
    if (agency !== undefined) this.#counts.set(agency, count + 1);
    if (before === undefined) return true;
    const left = this.#counts.get(before)! - 1;
    if (left > 0) this.#counts.set(before, left);
    else this.#counts.delete(before);
    return true;
  }
}

/** A connection, and the agency for which it speaks. */
export class AgencySpeaker implements Disposable {
  readonly #move: (agency: number | undefined, before: number | undefined) => boolean;
  #agency: number | undefined;

  /** Use {@linkcode AgencyConnections.open}. */
  constructor(move: (agency: number | undefined, before: number | undefined) => boolean) {
    this.#move = move;
  }

  /**
   * Speaks for an agency from now on.
   *
   * @returns Whether the agency may have this connection. If not, nothing changes.
   */
  speak(agency: number): boolean {
    if (agency === this.#agency) return true;
    if (!this.#move(agency, this.#agency)) return false;
    this.#agency = agency;
    return true;
  }

  [Symbol.dispose](): void {
    this.#move(undefined, this.#agency);
    this.#agency = undefined;
  }
}
