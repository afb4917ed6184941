import { assertEquals, assertRejects } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { race, type Runner } from "./race.ts";

const DELAY_MS = 250;

/** A prize that remembers whether it was disposed of. */
class Prize implements Disposable {
  isDisposed = false;
  [Symbol.dispose](): void {
    this.isDisposed = true;
  }
}

/** A race whose runners are controlled by the test. */
class Course {
  readonly started: string[] = [];
  readonly aborted: string[] = [];
  readonly failures: string[] = [];
  readonly #ends = new Map<string, PromiseWithResolvers<Prize>>();

  readonly options = {
    delayMs: DELAY_MS,
    run: ({ candidate, signal }: Runner<string>) => {
      this.started.push(candidate);
      signal.addEventListener("abort", () => this.aborted.push(candidate));
      const end = Promise.withResolvers<Prize>();
      this.#ends.set(candidate, end);
      return end.promise;
    },
    failed: (candidate: string, error: unknown) => {
      this.failures.push(candidate);
      if (error instanceof RangeError) throw error;
    },
  };

  async arrive(candidate: string): Promise<Prize> {
    const prize = new Prize();
    this.#ends.get(candidate)!.resolve(prize);
    await settle();
    return prize;
  }

  async fail(candidate: string, error = new Error(`${candidate} failed`)): Promise<void> {
    this.#ends.get(candidate)!.reject(error);
    await settle();
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
}

Deno.test("race() starts the next candidate after the delay, and stops those that lose", async () => {
  using time = new FakeTime();
  const course = new Course();
  const running = race(["a", "b", "c", "d"], course.options);
  assertEquals(course.started, ["a"]);
  time.tick(DELAY_MS - 1);
  assertEquals(course.started, ["a"]);
  time.tick(1);
  time.tick(DELAY_MS);
  assertEquals(course.started, ["a", "b", "c"]);
  const prize = await course.arrive("b");
  const result = await running;
  assertEquals([result.winner, result.overtaken], ["b", ["a"]]);
  assertEquals(result.prize, prize);
  assertEquals(course.aborted, ["a", "c"]);
  time.tick(9 * DELAY_MS);
  assertEquals(course.started.length, 3);
  const late = await course.arrive("c");
  assertEquals([prize.isDisposed, late.isDisposed], [false, true]);
});

Deno.test("race() starts the next candidate at once after a failure", async () => {
  using _time = new FakeTime();
  const course = new Course();
  const running = race(["a", "b", "c"], course.options);
  await course.fail("a");
  await course.fail("b");
  assertEquals(course.started, ["a", "b", "c"]);
  await course.arrive("c");
  assertEquals((await running).overtaken, []);
  assertEquals(course.failures, ["a", "b"]);
});

Deno.test("race() throws the last failure when all candidates have failed", async () => {
  using time = new FakeTime();
  const course = new Course();
  const running = assertRejects(() => race(["a", "b"], course.options), Error, "a failed");
  time.tick(DELAY_MS);
  await course.fail("b");
  await course.fail("a");
  await running;
});

Deno.test("race() ends when failed() throws", async () => {
  using time = new FakeTime();
  const course = new Course();
  const running = assertRejects(() => race(["a", "b", "c"], course.options), RangeError);
  time.tick(DELAY_MS);
  await course.fail("b", new RangeError("final"));
  await running;
  time.tick(DELAY_MS);
  assertEquals([course.started, course.aborted], [["a", "b"], ["a"]]);
});
