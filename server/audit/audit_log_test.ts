import { assertEquals, assertStringIncludes } from "@std/assert";
import type { CloseResult } from "../ledger/ledger.ts";
import { keepLog } from "../testing/ledgers.ts";
import { MemoryDisk } from "../testing/memory_disk.ts";
import { AuditLog } from "./audit_log.ts";
import { LINES_AT_ONCE, LINES_PER_SECOND } from "./line_budget.ts";
import { linesOn, openChain, whatOn } from "./testing.ts";

const ADDRESS = "10.0.0.1:7";

function setUp() {
  const disk = new MemoryDisk();
  const { log, lines } = keepLog();
  let nowMs = 0;
  const chain = openChain(disk.process());
  const audit = new AuditLog(chain, { log, now: () => nowMs });
  audit.started("1.2.3");
  const close = (agency: number, result: CloseResult = { status: "closed", repeated: false }) =>
    audit.close({ address: ADDRESS, agency }, () => Promise.resolve(result));
  return { disk, lines, audit, close, pass: (timeMs: number) => void (nowMs += timeMs) };
}

/** The last line without its place in the chain. */
function lastOn(disk: MemoryDisk) {
  const { line: _, time: _1, server: _2, previous: _3, ...rest } = linesOn(disk).at(-1)!;
  return rest;
}

Deno.test("AuditLog records what happens to a connection, and never a bet", async () => {
  const { audit, disk } = setUp();
  assertEquals(lastOn(disk), { what: "started", software: "1.2.3" });
  audit.admitted({ address: ADDRESS, agency: 3 });
  assertEquals(lastOn(disk), { what: "admitted", address: ADDRESS, agency: 3 });
  audit.refused({ address: ADDRESS, reason: "x".repeat(1000) });
  assertEquals(lastOn(disk), { what: "refused", address: ADDRESS, reason: "x".repeat(300) });
  audit.served({ address: ADDRESS, agency: 3, batches: 2, bets: 150, refused: 1 });
  const counts = { batches: 2, bets: 150, refused: 1 };
  assertEquals(lastOn(disk), { what: "served", address: ADDRESS, agency: 3, ...counts });
  await audit.drawn({ lottery: "id", winningNumber: 7 });
  assertEquals(lastOn(disk), { what: "drawn", lottery: "id", winningNumber: 7 });
  audit[Symbol.dispose]();
  assertEquals(lastOn(disk), { what: "stopped" });
  assertEquals(audit.report(), { lines: 7, omitted: 0, failure: null });
});

Deno.test("AuditLog.close() has a durable line before the ledger closes, and one after", async () => {
  const { audit, disk } = setUp();
  let before: unknown[] = [];
  const result = await audit.close({ address: ADDRESS, agency: 2 }, () => {
    before = Array.from(disk.afterPowerCut(), (after) => whatOn(after).at(-1));
    return Promise.resolve({ status: "closed", repeated: false });
  });
  assertEquals(result, { status: "closed", repeated: false });
  assertEquals(before, ["closing"]);
  assertEquals(lastOn(disk), { what: "closed", address: ADDRESS, agency: 2 });
  // Closing again changes nothing, and anybody may repeat it without end.
  await audit.close({ address: ADDRESS, agency: 2 }, () => Promise.resolve(result));
  assertEquals(whatOn(disk), ["opened", "started", "closing", "closed"]);
  audit[Symbol.dispose]();
});

Deno.test("AuditLog.close() says whether the ledger had closed before, or does not know", async () => {
  const { audit, close, disk } = setUp();
  await close(2, { status: "closed", repeated: true });
  assertEquals(lastOn(disk), { what: "closed", address: ADDRESS, agency: 2, repeated: true });
  await close(3, { status: "unknown", reason: "no lock" });
  assertEquals(lastOn(disk), { what: "unclosed", address: ADDRESS, agency: 3, reason: "no lock" });
  await close(3);
  assertEquals(lastOn(disk), { what: "closed", address: ADDRESS, agency: 3 });
  audit[Symbol.dispose]();
});

Deno.test("AuditLog on a full disk refuses closes, lets bets go on, and says later what it lacks", async () => {
  const { audit, close, disk, lines } = setUp();
  disk.capacity = disk.used;
  let isClosed = false;
  const result = await audit.close({ address: ADDRESS, agency: 2 }, () => {
    isClosed = true;
    return Promise.resolve({ status: "closed", repeated: false });
  });
  assertEquals([result.status, isClosed], ["unknown", false]);
  assertStringIncludes(
    JSON.stringify(result),
    "cannot be recorded in the audit log: No space left",
  );
  const served = { address: ADDRESS, agency: 3, batches: 2, bets: 150, refused: 0 };
  audit.served(served);
  audit.served(served);
  await audit.drawn({ lottery: "id", winningNumber: 7 });
  assertEquals(audit.report().omitted, 3);
  assertStringIncludes(audit.report().failure!, "No space left");
  assertEquals(lines.length, 1, "it is logged once");
  assertStringIncludes(lines[0], "action: audit | result: fail | error: No space left");
  disk.capacity = Infinity;
  assertEquals((await close(2)).status, "closed");
  assertEquals(whatOn(disk), ["opened", "started", "omitted", "closing", "closed"]);
  const { lines: omitted, reason } = linesOn(disk)[2];
  assertEquals([omitted, reason], [3, "disk"]);
  assertEquals(audit.report(), { lines: 5, omitted: 3, failure: null });
  assertStringIncludes(lines[1], "lines are written again");
  audit[Symbol.dispose]();
});

Deno.test("AuditLog neither writes nor complains after the server has stopped", async () => {
  const { audit, close, disk, lines } = setUp();
  const { release } = disk.hold("sync", "audit-000001.log");
  const drawn = audit.drawn({ lottery: "id", winningNumber: 7 });
  audit[Symbol.dispose]();
  release();
  await drawn;
  await audit.drawn({ lottery: "id", winningNumber: 7 });
  assertEquals((await close(2)).status, "unknown");
  assertEquals(whatOn(disk), ["opened", "started", "drawn", "stopped"]);
  assertEquals(lines, []);
});

Deno.test("AuditLog refuses closes after a failed sync, until the server starts again", async () => {
  const { audit, close, disk } = setUp();
  disk.fault = ({ kind }) => kind === "sync" ? { kind: "fail" } : undefined;
  assertEquals((await close(2)).status, "unknown");
  disk.fault = () => undefined;
  assertEquals((await close(2)).status, "unknown");
  audit[Symbol.dispose]();
});

Deno.test("AuditLog limits the lines that strangers cause, and counts the others", () => {
  const { audit, disk, pass } = setUp();
  const refused = () => audit.refused({ address: ADDRESS, reason: "no key" });
  const count = (what: string) => whatOn(disk).filter((other) => other === what).length;
  for (let line = 0; line < LINES_AT_ONCE; line++) refused();
  assertEquals([count("refused"), count("omitted")], [LINES_AT_ONCE, 0]);
  refused();
  // So do connections over which nothing was stored.
  audit.served({ address: ADDRESS, agency: 1, batches: 0, bets: 0, refused: 1 });
  assertEquals([count("refused"), count("served")], [LINES_AT_ONCE, 0]);
  audit.admitted({ address: ADDRESS, agency: 1 });
  const { lines, reason } = linesOn(disk).at(-2)!;
  assertEquals([lines, reason], [2, "rate"]);
  pass(1000);
  for (let line = 0; line <= LINES_PER_SECOND; line++) refused();
  assertEquals(count("refused"), LINES_AT_ONCE + LINES_PER_SECOND);
  audit[Symbol.dispose]();
});

Deno.test("AuditLog says that a torn line was cut when the server starts again", () => {
  const { audit, disk } = setUp();
  audit[Symbol.dispose]();
  const name = "audit-000001.log";
  disk.put(name, disk.bytes(name).slice(0, -10));
  const { log, lines } = keepLog();
  const next = new AuditLog(openChain(disk.process()), { log });
  next.started("1.2.3");
  const { what, cutCopy } = lastOn(disk);
  assertEquals([what, cutCopy], ["started", `${name}.cut-20261127T120000Z`]);
  assertStringIncludes(lines[0], "action: audit | result: success | cut: ");
  next[Symbol.dispose]();
});
