/**
 * Pauses, which can end early when their owner stops.
 *
 * @module
 */

/** Waits for a time in milliseconds, or until the signal aborts if there is one. */
export async function pause(timeMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = () => resolve();
  const timer = setTimeout(end, timeMs);
  signal?.addEventListener("abort", end);
  await promise;
  clearTimeout(timer);
  signal?.removeEventListener("abort", end);
}
