// The part of @std/testing 1.0.16 that this project uses: see tools/deno/README.md.

/** Replaces Date and the timers until it is restored. All times are in milliseconds. */
export class FakeTime implements Disposable {
  constructor(start?: number | string | Date);
  [Symbol.dispose](): void;
  restore(): void;
  /** The fake time. Setting it runs the timers that are due. */
  get now(): number;
  set now(value: number);
  /** Runs all pending microtasks. */
  runMicrotasks(): Promise<void>;
  /** Advances the fake time and runs the timers that are due. */
  tick(ms?: number): void;
  /** Runs all pending microtasks, then ticks. */
  tickAsync(ms?: number): Promise<void>;
  /** Advances to the next timer. Returns false if there is none. */
  next(): boolean;
  /** Runs all pending microtasks, then advances to the next timer. */
  nextAsync(): Promise<boolean>;
}
