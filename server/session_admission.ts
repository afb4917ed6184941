/**
 * What the peer of a connection may do.
 *
 * @module
 */

import { PacketError, type Request } from "../shared/mod.ts";
import type { Admission, Visitor } from "./gate/gate.ts";

/** Authenticates a visitor as an agency. Returns nothing if its connection must end. */
export type Admit = (visitor: Visitor) => Promise<Admission | undefined>;

/** Whether the peer of a connection may send packets, and for which agency. */
export class SessionAdmission implements Disposable {
  readonly #admit: Admit | undefined;
  #admission: Admission | undefined;

  /** @param admit @default {any peer may, for every agency} */
  constructor(admit: Admit | undefined) {
    this.#admit = admit;
  }

  /** Authenticates the peer. Returns whether it may send packets. */
  async enter(visitor: Visitor): Promise<boolean> {
    if (this.#admit === undefined) return true;
    this.#admission = await this.#admit(visitor);
    return this.#admission !== undefined;
  }

  /** @throws {PacketError} If the peer must not speak for the agency of a request. */
  requireOwn(request: Request): void {
    if (this.#admission === undefined) return;
    const agency = agencyOf(request);
    const own = this.#admission.agency;
    if (agency === own) return;
    throw new PacketError(
      `Cannot accept ${request.type} of agency ${agency}: this connection speaks for agency ${own}`,
    );
  }

  [Symbol.dispose](): void {
    this.#admission?.[Symbol.dispose]();
  }
}

/** Returns the agency for which a request speaks. */
export function agencyOf(request: Request): number {
  return "batch" in request ? request.batch.agency : request.agency;
}
