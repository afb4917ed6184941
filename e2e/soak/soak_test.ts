import { assert, assertEquals } from "@std/assert";
import { needs, PROGRAMS } from "../../testing/needs.ts";
import { soak } from "./soak.ts";

const LINUX = { description: "Linux's /proc", isPresent: () => Deno.build.os === "linux" };

const SHORT = { servers: 2, seconds: 2, connections: 1200, batchesPerSecond: 20 };

Deno.test(
  needs(
    [...PROGRAMS, "net", "read", LINUX],
    "soak() makes all connections, samples, and finds every bet stored",
  ),
  async () => {
    const { connections, batches, samples, faults } = await soak(SHORT);
    assertEquals(faults, []);
    assertEquals({ connections, batches }, { connections: 1200, batches: 40 });
    assertEquals(samples.length, 2);
    for (const { memoryBytes, handles, threads, logBytes } of samples.flat()) {
      assert(memoryBytes > 2 ** 20 && handles > 2 && threads > 1 && logBytes > 0);
    }
  },
);

Deno.test(
  needs(
    [...PROGRAMS, "net", "read", LINUX],
    "soak() sees that servers grow which keep a buffer for each connection",
  ),
  async () => {
    const { changes } = await soak({ ...SHORT, isLeaking: true });
    assertEquals(changes.map(({ memoryBytes }) => memoryBytes.isGrowth), [true, true]);
  },
);
