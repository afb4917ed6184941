/**
 * The one way to limit how long a promise is awaited.
 *
 * `deadline` of @std/async builds on AbortSignal.timeout: its timer keeps running after the work is
 * done, once per packet, and no test's fake clock can advance it.
 *
 * @module
 */

/** Options of {@linkcode withDeadline}. */
export interface DeadlineOptions {
  /** Longest wait, in milliseconds. */
  timeoutMs: number;
  /** Creates the error to throw when the time is up. */
  error: () => Error;
}

/**
 * Awaits `work`, but no longer than `timeoutMs`. Late work continues in the background and its result
 * is dropped.
 *
 * @throws What `error` returns, when the time is up.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { withDeadline } from "./deadline.ts";
 *
 * const error = () => new Error("No answer within 1000 ms");
 * assertEquals(await withDeadline(Promise.resolve("pong"), { timeoutMs: 1000, error }), "pong");
 * ```
 */
export async function withDeadline<Result>(
  work: Promise<Result>,
  { timeoutMs, error }: DeadlineOptions,
): Promise<Result> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(error()), timeoutMs);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
