// Types for the JavaScript of @std/testing that tools/deno/vendor_std.ts unpacks: the public interface of 1.0.16.

/** Options of `delay`. */
export interface DelayOptions {
  /** Ends the wait early. */
  signal?: AbortSignal;
  /** Whether the timer keeps the process alive. @default {true} */
  persistent?: boolean;
}

/** Thrown for an operation that the state of the fake time does not allow. */
export class TimeError extends Error {
  constructor(message: string);
}

/** Options for {@linkcode FakeTime}. */
export interface FakeTimeOptions {
  /** How fast fake time runs by itself, as a multiple of real time. @default {0} */
  advanceRate: number;
  /** Milliseconds between two steps when it runs by itself. @default {10} */
  advanceFrequency?: number;
}

/** Takes the place of Date and the timers until it is restored. All times are milliseconds. */
export class FakeTime {
  constructor(start?: number | string | Date | null, options?: FakeTimeOptions);
  [Symbol.dispose](): void;
  /** Brings real time back. */
  static restore(): void;
  /** Runs `callback` in real time. */
  static restoreFor<T>(
    // deno-lint-ignore no-explicit-any
    callback: (...args: any[]) => Promise<T> | T,
    // deno-lint-ignore no-explicit-any
    ...args: any[]
  ): Promise<T>;
  /** The fake time; setting it runs the timers that are due. */
  get now(): number;
  set now(value: number);
  /** The fake time at which this began. */
  get start(): number;
  /** Waits in real time. */
  delay(ms: number, options?: DelayOptions): Promise<void>;
  /** Runs all pending microtasks. */
  runMicrotasks(): Promise<void>;
  /** Adds to the fake time and runs the timers that are due. */
  tick(ms?: number): void;
  /** Runs all pending microtasks, then ticks. */
  tickAsync(ms?: number): Promise<void>;
  /** Goes to the next timer; false when there was none. */
  next(): boolean;
  /** Runs all pending microtasks, then goes to the next timer. */
  nextAsync(): Promise<boolean>;
  /** Goes on until no timer is left. */
  runAll(): void;
  /** Goes on until no timer is left, with microtasks in between. */
  runAllAsync(): Promise<void>;
  /** Brings real time back. */
  restore(): void;
}
