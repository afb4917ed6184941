import { assertEquals, assertThrows } from "@std/assert";
import { ProgressKnowledge, RefusedError } from "./progress_knowledge.ts";

function newKnowledge(): ProgressKnowledge {
  return new ProgressKnowledge({ agency: 1, mayBeLegacy: false });
}

/** Returns knowledge after some closed connections, where servers may be legacy ones. */
function afterClosed(connections: number): ProgressKnowledge {
  const knowledge = new ProgressKnowledge({ agency: 1, mayBeLegacy: true });
  for (let count = 0; count < connections; count++) knowledge.connectionFailed("closed");
  return knowledge;
}

Deno.test("ProgressKnowledge knows nothing at first", () => {
  const knowledge = newKnowledge();
  assertEquals(knowledge.servers, "unknown");
  assertEquals(knowledge.isClosed, false);
  assertEquals(knowledge.isNextSuspect, false);
  assertThrows(() => knowledge.stored, Error, "before the servers were asked");
  assertThrows(() => knowledge.agencyClosed(), Error, "before the servers were asked");
});

Deno.test("ProgressKnowledge.connectionFailed() takes servers for legacy ones at the eighth close", () => {
  assertEquals(afterClosed(7).servers, "unknown");
  const legacy = afterClosed(8);
  assertEquals([legacy.servers, legacy.stored, legacy.isClosed], ["legacy", 0, false]);
  for (const failure of ["broken", "silent"] as const) {
    const knowledge = afterClosed(7);
    assertEquals(knowledge.connectionFailed(failure), "unknown");
    for (let count = 0; count < 7; count++) knowledge.connectionFailed("closed");
    assertEquals(knowledge.servers, "unknown");
    assertEquals(knowledge.connectionFailed("closed"), "legacy");
  }
});

Deno.test("ProgressKnowledge.connectionFailed() never takes counting servers for legacy ones", () => {
  const knowledge = afterClosed(7);
  knowledge.counted(5);
  for (let count = 0; count < 9; count++) knowledge.connectionFailed("closed");
  assertEquals([knowledge.servers, knowledge.stored], ["counting", 5]);
});

Deno.test("ProgressKnowledge.isNextSuspect holds from the second close on, while servers are unknown", () => {
  assertEquals([0, 1, 2, 7, 8].map((count) => afterClosed(count).isNextSuspect), [
    false,
    false,
    true,
    true,
    false,
  ]);
  const knowledge = afterClosed(2);
  knowledge.counted(0);
  assertEquals(knowledge.isNextSuspect, false);
});

Deno.test("ProgressKnowledge.acknowledged() adds to the stored bets", () => {
  const counting = newKnowledge();
  counting.counted(4);
  for (const knowledge of [counting, afterClosed(8)]) {
    const before = knowledge.stored;
    knowledge.acknowledged(3);
    assertEquals(knowledge.stored, before + 3);
  }
});

Deno.test("ProgressKnowledge.recounted() returns how many pending bets are stored", () => {
  for (const stored of [0, 1, 3]) {
    const knowledge = newKnowledge();
    knowledge.counted(4);
    assertEquals(knowledge.recounted(4 + stored, 3), stored);
    assertEquals(knowledge.stored, 4 + stored);
  }
});

Deno.test("ProgressKnowledge.recounted() throws when bets are lost or foreign", () => {
  for (const stored of [3, 8]) {
    const knowledge = newKnowledge();
    knowledge.counted(4);
    assertThrows(
      () => knowledge.recounted(stored, 3),
      RefusedError,
      "Cannot continue: the servers",
    );
    assertEquals(knowledge.stored, 4);
  }
});

Deno.test("ProgressKnowledge.agencyClosed() lasts when bets are counted again", () => {
  const knowledge = newKnowledge();
  knowledge.counted(4);
  assertEquals(knowledge.isClosed, false);
  knowledge.agencyClosed();
  knowledge.counted(4);
  assertEquals(knowledge.isClosed, true);
});
