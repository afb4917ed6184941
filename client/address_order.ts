/**
 * The order in which the addresses of the servers are tried.
 *
 * @module
 */

/** Remembers how each address did, and puts the most promising ones first. */
export class AddressOrder {
  /** By address: failures since it last worked. */
  readonly #failures = new Map<string, number>();
  #lastWorked = "";

  /** Records that an address worked. */
  worked(address: string): void {
    this.#lastWorked = address;
    this.#failures.delete(address);
  }

  /** Records that an address failed, or was slower than one that started later. */
  failed(address: string): void {
    this.#failures.set(address, this.#count(address) + 1);
  }

  /**
   * Sorts addresses: fewest failures first, and the one that worked last before others with as many. Keeps
   * the given order otherwise. So an address that always fails never hides one that works.
   */
  sort(addresses: readonly string[]): string[] {
    const rank = (address: string) =>
      2 * this.#count(address) - (address === this.#lastWorked ? 1 : 0);
    return addresses.toSorted((one, other) => rank(one) - rank(other));
  }

  /** Whether each of the addresses has failed since it last worked. */
  haveAllFailed(addresses: readonly string[]): boolean {
    return addresses.every((address) => this.#count(address) > 0);
  }

  #count(address: string): number {
    return this.#failures.get(address) ?? 0;
  }
}
