/**
 * The one way to limit how long a promise is awaited.
 *
 * `deadline` of @std/async builds on AbortSignal.timeout: that timer runs on after the work is done, once per
 * packet in flight, and no test's fake clock can advance it. Hence this helper.
 *
 * @module
 */

/** Options of {@linkcode withDeadline}. */
export interface DeadlineOptions {
  /** Longest wait, in milliseconds. */
  timeoutMs: number;
  /** Makes the error that is thrown when the time is up. */
  error: () => Error;
}

/**
 * Awaits `work`, but no longer than `timeoutMs`. Work that is late goes on in the background; its result is
 * dropped.
 *
 * @throws What `error` returns, when the time is up.
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
