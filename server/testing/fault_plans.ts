/**
 * Plans of what goes wrong at which operation of a disk in memory.
 *
 * @module
 */

import type { Fault, Operation } from "./memory_faults.ts";

/** Locking and unlocking do not fail in these tests. */
export function canFail({ kind }: Operation): boolean {
  return kind !== "unlock" && kind !== "lock" && kind !== "tryLock";
}

/** What goes wrong, and where. */
export interface Plan {
  /** The operations that it strikes, one after the other. */
  strikes: (operation: Operation) => boolean;
  /** The fault of an operation after `struck`, the first one that was struck. */
  fault: (operation: Operation, struck: number) => Fault | undefined;
}

const isWrite = ({ kind }: Operation) => kind === "write";
/** To be killed at any other operation is to be killed at the next one of these. */
const isChange = ({ kind }: Operation) =>
  kind !== "read" && kind !== "size" && kind !== "isCurrent";

const killsAfter = (bytes: number): Plan => ({
  strikes: isWrite,
  fault: ({ number }, struck) => number === struck ? { kind: "kill", bytes } : undefined,
});

/** The plans by what they do to an operation. */
export const PLANS: Record<string, Plan> = {
  "fails once": {
    strikes: canFail,
    fault: ({ number }, struck) => number === struck ? { kind: "fail" } : undefined,
  },
  "fails from then on": {
    strikes: canFail,
    fault: (operation) => canFail(operation) ? { kind: "fail" } : undefined,
  },
  "fails half way": {
    strikes: isWrite,
    fault: ({ number }, struck) => number === struck ? { kind: "fail", bytes: 40 } : undefined,
  },
  "takes less": {
    strikes: isWrite,
    fault: ({ number }, struck) => number === struck ? { kind: "short", bytes: 40 } : undefined,
  },
  "takes less and then fails": {
    strikes: isWrite,
    fault: (operation, struck) => {
      if (operation.number === struck) return { kind: "short", bytes: 40 };
      return operation.number === struck + 1 && canFail(operation) ? { kind: "fail" } : undefined;
    },
  },
  "ends its process": {
    strikes: isChange,
    fault: ({ number }, struck) => number === struck ? { kind: "kill" } : undefined,
  },
  "ends its process after 1 byte": killsAfter(1),
  "ends its process within a row": killsAfter(40),
  "ends its process before the last byte": killsAfter(59),
  "ends its process after all bytes": killsAfter(1000),
};
