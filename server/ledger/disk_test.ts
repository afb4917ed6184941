import { assert, assertEquals, assertThrows } from "@std/assert";
import { MemoryDisk } from "../testing/memory_disk.ts";
import { Random } from "../../testing/random.ts";
import { needs } from "../../testing/needs.ts";
import { type Disk, type DiskFile, FolderDisk, pageAligned, readFully, writeAll } from "./disk.ts";

const PAGE_BYTES = 4096;

/** A disk under test, used by several processes. */
interface Subject extends Disposable {
  process(): Disk;
  /** Removes a file's name. */
  remove(name: string): void;
}

function memorySubject(): Subject {
  const disk = new MemoryDisk();
  return {
    process: () => disk.process(),
    remove: (name) => disk.remove(name),
    [Symbol.dispose]: () => {},
  };
}

function folderSubject(): Subject {
  const path = Deno.makeTempDirSync({ prefix: "lottery disk " });
  let nowMs = 0;
  return {
    // Every reading of the clock is a second later.
    process: () => new FolderDisk(`${path}/a/new one`, () => nowMs += 1000),
    remove: (name) => Deno.removeSync(`${path}/a/new one/${name}`),
    [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }),
  };
}

/** A file's text, read through one handle. */
function textOf(file: DiskFile): string {
  const bytes = new Uint8Array(100);
  return new TextDecoder().decode(bytes.subarray(0, readFully(file, bytes, 0)));
}

/** What every disk must do. All other tests use the disk in memory in place of a real one. */
const PROMISES: Record<string, (subject: Subject) => void | Promise<void>> = {
  "shows what was written to every handle": (subject) => {
    const [one, two] = [subject.process().open("file"), subject.process().open("file")];
    assertEquals(one.size(), 0);
    assertEquals(one.read(new Uint8Array(5), 0), 0);
    writeAll(one, new TextEncoder().encode("hello world"), 0);
    writeAll(two, new TextEncoder().encode("W"), 6);
    assertEquals([textOf(one), textOf(two)], ["hello World", "hello World"]);
    const bytes = new Uint8Array(5);
    assertEquals(two.read(bytes, 6), 5);
    assertEquals(new TextDecoder().decode(bytes), "World");
    assertEquals(two.read(bytes, 11), 0);
    assertEquals(two.read(bytes, 1000), 0);
    one.truncate(5);
    assertEquals([two.size(), textOf(two)], [5, "hello"]);
    writeAll(two, new TextEncoder().encode("!"), 7);
    assertEquals(textOf(one), "hello\0\0!");
    one.close();
    two.close();
  },
  "reads and writes at the given positions, in any order": (subject) => {
    const file = subject.process().open("file");
    const expected = new Uint8Array(200);
    let size = 0;
    const random = new Random(7);
    for (let turn = 1; turn <= 300; turn++) {
      const at = random.once(2) ? size : random.below(size + 1);
      const bytes = new Uint8Array(random.below(10));
      if (random.once(3)) file.size();
      if (random.once(10)) file.truncate(size = random.below(size + 1));
      if (random.once(2) && at + bytes.length <= expected.length) {
        expected.fill(0, size);
        expected.set(bytes.fill(turn), at);
        assertEquals(file.write(bytes, at), bytes.length);
        if (bytes.length > 0) size = Math.max(size, at + bytes.length);
      } else {
        const count = file.read(bytes, at);
        assertEquals(count, Math.max(0, Math.min(bytes.length, size - at)));
        assertEquals(bytes.subarray(0, count), expected.slice(at, at + count));
      }
      assertEquals(file.size(), size);
    }
    file.close();
  },
  "keeps what it has when it is opened again": async (subject) => {
    const one = subject.process().open("file");
    writeAll(one, new TextEncoder().encode("there"), 0);
    one.syncNow();
    await one.sync();
    one.close();
    const process = subject.process();
    process.syncFolder();
    const two = process.open("file");
    assertEquals(textOf(two), "there");
    two.close();
  },
  "writes the same whether or not past the cache": (subject) => {
    const [file, reader] = [subject.process().open("file"), subject.process().open("file")];
    const expected = new Uint8Array(4 * PAGE_BYTES);
    writeAll(file, expected, 0);
    file.syncNow();
    file.bypassCache?.();
    const page = pageAligned(2 * PAGE_BYTES);
    // Whole pages, then what no file system takes past the cache, then whole pages again.
    const writes = [[PAGE_BYTES, 2 * PAGE_BYTES], [5, 100], [0, PAGE_BYTES]];
    for (const [turn, [at, length]] of writes.entries()) {
      expected.fill(turn + 1, at, at + length);
      writeAll(file, page.subarray(0, length).fill(turn + 1), at);
      for (const handle of [file, reader]) {
        const found = new Uint8Array(expected.length);
        assertEquals(readFully(handle, found, 0), found.length);
        assertEquals(found, expected);
      }
    }
    file.close();
    reader.close();
  },
  "writes past the cache to no other file that took its name": (subject) => {
    const file = subject.process().open("file");
    subject.remove("file");
    const other = subject.process().open("file");
    file.bypassCache?.();
    writeAll(file, pageAligned(PAGE_BYTES).fill(1), 0);
    assertEquals([file.size(), other.size()], [PAGE_BYTES, 0]);
    file.close();
    other.close();
  },
  "gives a lock to one handle at a time": async (subject) => {
    const process = subject.process();
    const [one, two, other] = [process.open("file"), process.open("file"), process.open("other")];
    assert(one.tryLock());
    assert(one.tryLock());
    assert(!two.tryLock());
    assert(other.tryLock());
    const waiting = two.lock();
    one.unlock();
    await waiting;
    assert(!one.tryLock());
    two.unlock();
    assert(one.tryLock());
    const waitingForClose = two.lock();
    one.close();
    await waitingForClose;
    two.close();
    other.close();
  },
  "reports whether a name still leads to the file": (subject) => {
    const file = subject.process().open("file");
    assert(file.isCurrent(50));
    subject.remove("file");
    assert(!file.isCurrent(50));
    const again = subject.process().open("file");
    assert(!file.isCurrent(50));
    assert(again.isCurrent(50));
    file.close();
    again.close();
  },
};

for (const [what, check] of Object.entries(PROMISES)) {
  Deno.test(`MemoryDisk ${what}`, async () => {
    using subject = memorySubject();
    await check(subject);
  });
  Deno.test({
    ...needs(["read", "write"], `FolderDisk ${what}`),
    fn: async () => {
      using subject = folderSubject();
      await check(subject);
    },
  });
}

Deno.test("writeAll() and readFully() continue after short writes and reads", () => {
  const disk = new MemoryDisk();
  const file = disk.process().open("file");
  disk.fault = ({ kind }) => kind === "write" ? { kind: "short", bytes: 3 } : undefined;
  writeAll(file, new TextEncoder().encode("hello world"), 2);
  assertEquals(textOf(file), "\0\0hello world");
  disk.fault = ({ kind }) => kind === "write" ? { kind: "short", bytes: 0 } : undefined;
  assertThrows(() => writeAll(file, new Uint8Array(3), 0), Error, "accepts no more bytes");
  const slow: DiskFile = Object.create(file, {
    read: { value: (bytes: Uint8Array, at: number) => file.read(bytes.subarray(0, 1), at) },
  });
  assertEquals(textOf(slow), "\0\0hello world");
});
