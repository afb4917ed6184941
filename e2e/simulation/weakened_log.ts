/**
 * Controls of the ledger on JetStream: each takes one protection away. A simulation must then find a
 * broken promise.
 *
 * @module
 */

import type {
  LogMessage,
  PublishResult,
  ReplicatedLog,
} from "../../server/ledger/jetstream/replicated_log.ts";
import type { MissingGuarantee } from "../../server/testing/memory_cluster.ts";
import type { Protection } from "./protections.ts";

/** The controls that need a cluster which keeps less than JetStream does. */
export const MISSING_GUARANTEES: Partial<Record<Protection, MissingGuarantee>> = {
  conditions: "condition",
  commits: "majority",
  deduplication: "no repeats",
  completeness: "no gaps",
};

/** Messages of closes without a fence have a subject of their own: that of agency + this number. */
const APART = 1000;

/** Returns the agency of a subject. */
export function agencyOf(subject: number): number {
  return subject % APART;
}

type Publish = ReplicatedLog["publish"];

/** What a control does instead of publishing. */
type Weakening = (log: ReplicatedLog) => Publish;

const WEAKENINGS: Partial<Record<Protection, Weakening>> = {
  resolution: (log) => async (agency, message, expectedSequence) => {
    const result = await log.publish(agency, message, expectedSequence);
    if (result.status !== "unknown" || message.kind !== "bets") return result;
    try {
      const last = await log.last(agency);
      return await log.publish(agency, renamed(message), last?.sequence ?? 0);
    } catch {
      return result;
    }
  },
  identity: (log) => (agency, message, expectedSequence) =>
    log.publish(agency, renamed(message), expectedSequence),
  doubt: (log) => async (agency, message, expectedSequence) => {
    const result = await log.publish(agency, message, expectedSequence);
    return result.status === "unknown" ? { status: "mismatch" } : result;
  },
  marks: (log) => async (agency, message, expectedSequence): Promise<PublishResult> => {
    if (message.kind !== "mark") return await log.publish(agency, message, expectedSequence);
    try {
      const sequence = (await log.last(agency))?.sequence ?? 0;
      return sequence > expectedSequence
        ? { status: "mismatch" }
        : { status: "stored", sequence: expectedSequence };
    } catch (error) {
      return { status: "unknown", reason: (error as Error).message };
    }
  },
  fences: (log) => async (agency, message, expectedSequence) => {
    if (message.kind !== "close") return await log.publish(agency, message, expectedSequence);
    try {
      const closed = await log.last(agency + APART);
      if (closed !== undefined) return { status: "stored", sequence: expectedSequence };
      return await log.publish(agency + APART, message, 0);
    } catch (error) {
      return { status: "unknown", reason: (error as Error).message };
    }
  },
};

function renamed(message: LogMessage): LogMessage {
  return { ...message, id: crypto.randomUUID() };
}

/** Returns the log without a protection. */
export function weakened(log: ReplicatedLog, without: Protection | undefined): ReplicatedLog {
  const publish = without && WEAKENINGS[without]?.(log);
  if (publish === undefined) return log;
  const follow: ReplicatedLog["follow"] = (listener) =>
    log.follow((messages) =>
      listener(messages.map((message) => ({ ...message, agency: agencyOf(message.agency) })))
    );
  return replaced(log, { publish, follow });
}

/** Returns the log as a server sees it that knows the first agency only. */
export function firstAgencyOf(log: ReplicatedLog): ReplicatedLog {
  const follow: ReplicatedLog["follow"] = (listener) =>
    log.follow((messages) => listener(messages.filter(({ agency }) => agency === 1)));
  return replaced(log, { follow });
}

/** Returns a log of which some methods are replaced. */
function replaced(
  log: ReplicatedLog,
  methods: Partial<Pick<ReplicatedLog, "publish" | "follow">>,
): ReplicatedLog {
  return {
    failed: log.failed,
    get isAvailable() {
      return log.isAvailable;
    },
    publish: log.publish.bind(log),
    last: log.last.bind(log),
    after: log.after.bind(log),
    follow: log.follow.bind(log),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
    ...methods,
  };
}
