/**
 * Connections grouped by address, for rules of the form "the address that has most".
 *
 * @module
 */

/** A member of a group. */
export interface Grouped {
  /** The address whose share it takes. */
  readonly source: string;
}

/** The member of an address that joined first. */
interface Eldest<Member> {
  member: Member;
  /** The number of its address's members. */
  count: number;
  /** Its position in the order in which all members joined. */
  order: number;
}

/** Members by address, each address's in the order in which they joined. */
export class AddressGroups<Member extends Grouped> {
  readonly #groups = new Map<string, Map<Member, number>>();
  #joined = 0;
  #size = 0;

  /** The number of all members. */
  get size(): number {
    return this.#size;
  }

  /** Adds a member, unless it is one. */
  add(member: Member): void {
    const group = this.#groups.get(member.source) ?? new Map<Member, number>();
    if (group.has(member)) return;
    group.set(member, this.#joined++);
    this.#groups.set(member.source, group);
    this.#size++;
  }

  /** Removes a member, if it is one. */
  delete(member: Member): void {
    const group = this.#groups.get(member.source);
    if (group === undefined || !group.delete(member)) return;
    if (group.size === 0) this.#groups.delete(member.source);
    this.#size--;
  }

  /** Counts the members of an address. */
  count(source: string): number {
    return this.#groups.get(source)?.size ?? 0;
  }

  /** The members of an address. */
  of(source: string): Iterable<Member> {
    return this.#groups.get(source)?.keys() ?? [];
  }

  /** All members. */
  *[Symbol.iterator](): Iterator<Member> {
    for (const group of this.#groups.values()) yield* group.keys();
  }

  /** The addresses that have members. */
  sources(): Iterable<string> {
    return this.#groups.keys();
  }

  /** Returns the addresses that have most members: several if they have equally many. */
  largest(): string[] {
    let most = 0;
    for (const { size } of this.#groups.values()) most = Math.max(most, size);
    return Array.from(this.#groups).filter(([, { size }]) => size === most).map(([source]) =>
      source
    );
  }

  /** Returns the member that joined first, of the addresses that have most; `undefined` without members. */
  eldestOfLargest(): Member | undefined {
    return this.#best((one, other) => other.count - one.count || one.order - other.order);
  }

  /** Returns the member that joined first, of the addresses for which `rank` is least. */
  eldestOfLeast(rank: (source: string) => number): Member | undefined {
    return this.#best((one, other) =>
      rank(one.member.source) - rank(other.member.source) || one.order - other.order
    );
  }

  /** Of the eldest members of all addresses, returns the one that comes first in an order. */
  #best(compare: (one: Eldest<Member>, other: Eldest<Member>) => number): Member | undefined {
    let best: Eldest<Member> | undefined;
    for (const group of this.#groups.values()) {
      const [member, order] = group.entries().next().value!;
      const eldest = { member, order, count: group.size };
      if (best === undefined || compare(eldest, best) < 0) best = eldest;
    }
    return best?.member;
  }
}
