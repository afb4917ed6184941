import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { createHash } from "node:crypto";
import { MemoryDisk } from "../testing/memory_disk.ts";
import { fileName, NO_LINE } from "./audit_files.ts";
import { linesOn, NOON, openChain, whatOn } from "./testing.ts";

const FIRST = fileName(1);

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Fails unless every line has its number and the digest of the one before. */
function assertChain(disk: MemoryDisk): void {
  let previous = NO_LINE;
  for (const [index, line] of linesOn(disk).entries()) {
    assertEquals([line.line, line.previous], [index + 1, previous]);
    previous = sha256(`${JSON.stringify(line)}\n`);
  }
}

Deno.test("AuditChain.append() writes lines, each with the digest of the line before", () => {
  const disk = new MemoryDisk();
  using chain = openChain(disk.process());
  chain.append("admitted", { address: "10.0.0.1:7", agency: 3 });
  chain.append("drawn", { lottery: "a" });
  const [opened, admitted] = disk.text(FIRST).split("\n");
  assertEquals(
    opened,
    `{"line":1,"time":"${NOON}","server":"server1","what":"opened","file":1,"first":1,"previous":"${NO_LINE}"}`,
  );
  const frame = `"time":"${NOON}","server":"server1","what":"admitted"`;
  const previous = sha256(`${opened}\n`);
  assertEquals(
    admitted,
    `{"line":2,${frame},"address":"10.0.0.1:7","agency":3,"previous":"${previous}"}`,
  );
  assertChain(disk);
  assertEquals(chain.head, { line: 3, sha256: sha256(`${disk.text(FIRST).split("\n")[2]}\n`) });
});

Deno.test("AuditChain continues its chain after a restart", () => {
  const disk = new MemoryDisk();
  for (let start = 1; start <= 3; start++) {
    using chain = openChain(disk.process());
    assertEquals(chain.cut, undefined);
    chain.append("started");
  }
  assertEquals(whatOn(disk), ["opened", "started", "started", "started"]);
  assertChain(disk);
});

Deno.test("AuditChain goes on in another file beyond a size, and drops the oldest", () => {
  const disk = new MemoryDisk();
  const process = disk.process();
  const options = { fileBytesMax: 600, filesMax: 3 };
  let chain = openChain(process, options);
  for (let line = 0; line < 4; line++) chain.append("started");
  assertEquals(process.names().filter((name) => name.endsWith(".log")), [1, 2].map(fileName));
  assertChain(disk);
  chain[Symbol.dispose]();
  chain = openChain(process, options);
  while (!process.exists(fileName(5))) chain.append("started");
  const names = process.names().filter((name) => name.endsWith(".log"));
  assertEquals(names, [3, 4, 5].map(fileName));
  const [oldest] = linesOn(disk);
  assertEquals([oldest.what, oldest.file, oldest.first], ["opened", 3, 1]);
  const newest = linesOn(disk).findLast(({ what }) => what === "opened")!;
  assertEquals([newest.file, newest.first], [5, 3]);
  for (const name of names.slice(0, -1)) {
    const size = disk.bytes(name).length;
    assert(size >= 600 && size < 600 + 300, `${name} has ${size} bytes`);
  }
  chain[Symbol.dispose]();
});

Deno.test("AuditChain.open() refuses a chain that another server has", () => {
  const disk = new MemoryDisk();
  const process = disk.process();
  const chain = openChain(process);
  const error = assertThrows(() => openChain(disk.process()), Error);
  assertStringIncludes(error.message, "give each server its own AUDIT_NAME");
  chain[Symbol.dispose]();
  const next = openChain(disk.process());
  next[Symbol.dispose]();
});

Deno.test("AuditChain keeps a torn line beside its file wherever it was torn, and goes on", () => {
  const whole = new MemoryDisk();
  const chain = openChain(whole.process());
  chain.append("started");
  chain.append("stopped");
  chain[Symbol.dispose]();
  const text = whole.text(FIRST);
  const lastFrom = text.lastIndexOf("\n", text.length - 2) + 1;
  for (let size = lastFrom + 1; size < text.length; size++) {
    const disk = new MemoryDisk();
    disk.put(FIRST, text.slice(0, size));
    using chain = openChain(disk.process());
    const copy = `${FIRST}.cut-20261127T120000Z`;
    assertEquals(chain.cut, { bytes: size - lastFrom, copy });
    assertEquals(disk.text(copy), text.slice(lastFrom, size));
    chain.append("started");
    assertEquals(whatOn(disk), ["opened", "started", "started"]);
    assertChain(disk);
  }
});

Deno.test("AuditChain cuts the zeros that a power cut has left within the lines", () => {
  const disk = new MemoryDisk();
  const chain = openChain(disk.process());
  for (let line = 0; line < 4; line++) chain.append("started");
  chain[Symbol.dispose]();
  const bytes = disk.bytes(FIRST);
  disk.put(FIRST, bytes.map((byte, at) => at > 400 && at < 450 ? 0 : byte));
  const next = openChain(disk.process());
  next.append("stopped");
  assertEquals(whatOn(disk), ["opened", "started", "stopped"]);
  assertChain(disk);
  assertEquals(disk.bytes(next.cut!.copy).length, next.cut!.bytes);
  next[Symbol.dispose]();
});

Deno.test("AuditChain goes on after a kill or a power cut at any operation", () => {
  const write = (disk: MemoryDisk) => {
    const chain = openChain(disk.process(), { fileBytesMax: 500 });
    for (let line = 0; line < 4; line++) chain.append("started");
    return chain;
  };
  const whole = new MemoryDisk();
  const chain = write(whole);
  const { operations } = whole;
  chain[Symbol.dispose]();
  for (let number = 1; number <= operations; number++) {
    for (const bytes of [0, 1, 100]) {
      const killed = new MemoryDisk();
      killed.fault = (operation) =>
        operation.number === number ? { kind: "kill", bytes } : undefined;
      assertThrows(() => write(killed));
      killed.fault = () => undefined;
      for (const disk of [...killed.afterPowerCut(), killed]) {
        using chain = openChain(disk.process(), { fileBytesMax: 500 });
        chain.append("stopped");
        assertChain(disk);
        assertEquals(whatOn(disk).at(-1), "stopped");
      }
    }
  }
});

Deno.test("AuditChain.open() stops at a last line that its server has not written", () => {
  for (const line of ["garbage\n", '{"line":1,"server":"server2"}\n']) {
    const disk = new MemoryDisk();
    disk.put(FIRST, line);
    const error = assertThrows(() => openChain(disk.process()), Error);
    assertStringIncludes(error.message, "does not end in a line of server1");
    // The lock is free again.
    disk.remove(FIRST);
    openChain(disk.process());
  }
});

Deno.test("AuditChain.append() fails on a full disk, and goes on when there is room", () => {
  const disk = new MemoryDisk();
  using chain = openChain(disk.process());
  chain.append("started");
  // Room for a part of a line, which is longer than the next one.
  disk.capacity = disk.used + 300;
  for (let attempt = 0; attempt < 3; attempt++) {
    const fails = () => chain.append("refused", { reason: "x".repeat(300) });
    assertStringIncludes(assertThrows(fails, Error).message, "No space left");
  }
  disk.capacity = Infinity;
  chain.append("stopped");
  assert(disk.text(FIRST).endsWith("}\n"), "nothing of the failed lines is left");
  assertEquals(whatOn(disk), ["opened", "started", "stopped"]);
  assertChain(disk);
});

Deno.test("AuditChain.append() fails while no further file can begin, and goes on when it can", () => {
  const disk = new MemoryDisk();
  using chain = openChain(disk.process(), { fileBytesMax: 1 });
  chain.append("started");
  disk.capacity = disk.used + 50;
  assertThrows(() => chain.append("drawn"));
  assertThrows(() => chain.append("drawn"));
  disk.capacity = Infinity;
  chain.append("stopped");
  assertEquals(whatOn(disk), ["opened", "started", "opened", "stopped"]);
  assertChain(disk);
});

Deno.test("AuditChain.sync() makes every line before it durable", async () => {
  const disk = new MemoryDisk();
  using chain = openChain(disk.process());
  chain.append("started");
  let syncs = 0;
  disk.fault = ({ kind }) => {
    if (kind === "sync") syncs++;
    return undefined;
  };
  const { reached, release } = disk.hold("sync", FIRST);
  const first = chain.sync();
  await reached;
  chain.append("closing");
  const second = chain.sync();
  const third = chain.sync();
  release();
  await Promise.all([first, second, third]);
  // The first may have begun before the second line was written; the others share one.
  assertEquals(syncs, 2);
  for (const after of disk.afterPowerCut()) {
    assertEquals(whatOn(after), ["opened", "started", "closing"]);
  }
});

Deno.test("AuditChain takes no line after a failed sync: another one would succeed although lines are lost", async () => {
  const disk = new MemoryDisk();
  const chain = openChain(disk.process());
  chain.append("started");
  disk.fault = ({ kind }) => kind === "sync" ? { kind: "fail" } : undefined;
  await assertRejects(() => chain.sync(), Error, "its disk has failed to sync");
  disk.fault = () => undefined;
  await assertRejects(() => chain.sync(), Error, "its disk has failed to sync");
  assertThrows(() => chain.append("drawn"), Error, "restart the server once the disk works");
  chain[Symbol.dispose]();
  const next = openChain(disk.process());
  next.append("started");
  assertChain(disk);
  next[Symbol.dispose]();
});
