import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { pause } from "./pause.ts";

Deno.test("pause() ends after its time, when the signal aborts, or at once after that", async () => {
  using time = new FakeTime();
  const owner = new AbortController();
  const ended: string[] = [];
  const first = pause(1000, owner.signal).then(() => ended.push("time"));
  await time.tickAsync(999);
  assertEquals(ended, []);
  await time.tickAsync(1);
  await first;
  const second = pause(1000, owner.signal).then(() => ended.push("abort"));
  owner.abort();
  await second;
  await pause(1000, owner.signal);
  assertEquals(ended, ["time", "abort"]);
});
