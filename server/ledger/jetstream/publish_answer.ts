/**
 * The answers of JetStream to a published message.
 *
 * @module
 */

import type { PublishResult } from "./replicated_log.ts";

/** The subject's last message has another sequence; the second one since 2.12. */
const WRONG_LAST_SEQUENCE: readonly number[] = [10071, 10164];

/** Whether an error means that the expected sequence was wrong. */
export function isMismatch(errorCode: number): boolean {
  return WRONG_LAST_SEQUENCE.includes(errorCode);
}

/** The answer as JSON. */
interface PublishAnswer {
  stream?: string;
  seq?: number;
  error?: { err_code?: number; description?: string };
}

/** Parses an answer. An error other than a mismatch says nothing about earlier attempts. */
export function parseAnswer(text: string): PublishResult {
  let answer: PublishAnswer;
  try {
    answer = JSON.parse(text);
  } catch {
    return { status: "unknown", reason: "the answer of the cluster is not valid JSON" };
  }
  const { seq, error } = answer;
  if (error?.err_code !== undefined && isMismatch(error.err_code)) return { status: "mismatch" };
  if (error !== undefined) {
    const reason = `the cluster answers: ${error.description ?? JSON.stringify(error)}`;
    return { status: "unknown", reason };
  }
  if (typeof seq === "number" && seq > 0) return { status: "stored", sequence: seq };
  return { status: "unknown", reason: "the answer of the cluster has no sequence" };
}
