import { assertEquals } from "@std/assert";
import { isNodeDetail, readNodeLine } from "./node_lines.ts";

const HEAD = "[42] 2026/11/27 14:01:24.278654";

Deno.test("readNodeLine() recognizes that a node listens, and why it ends", () => {
  assertEquals(readNodeLine(`${HEAD} [INF] Server is ready`), { isListening: true });
  assertEquals(readNodeLine(`${HEAD} [FTL] Can't start JetStream: no space left on device`), {
    error: "Can't start JetStream: no space left on device",
  });
  assertEquals(readNodeLine("nats-server: /a/node1.conf:3:1: unknown field"), {
    error: "/a/node1.conf:3:1: unknown field",
  });
  assertEquals(readNodeLine(`${HEAD} [INF] Starting nats-server`), { error: undefined });
});

Deno.test("isNodeDetail() keeps from the screen what a person cannot act on", () => {
  for (
    const line of [
      `${HEAD} [INF] Starting nats-server`,
      `${HEAD} [ERR] Error trying to connect to route (attempt 1): dial tcp 127.0.0.1:6223: connect: connection refused`,
      `${HEAD} [WRN] Waiting for routing to be established...`,
    ]
  ) assertEquals(isNodeDetail(line), true, line);
  for (
    const line of [
      `${HEAD} [FTL] Can't start JetStream`,
      `${HEAD} [WRN] JetStream cluster stream '$G > LOTTERY_12345678_0' has NO quorum, stalled`,
      `${HEAD} [ERR] JetStream out of File resources, will be DISABLED`,
      "nats-server: unknown field",
      "node1 was killed (137). Starting it again",
      "INFO     action: config | result: success",
    ]
  ) assertEquals(isNodeDetail(line), false, line);
});
