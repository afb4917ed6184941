/**
 * The few file operations that the ledger needs, as an interface, so that tests can replace the disk by a
 * failing one.
 *
 * Most calls block. On a local file each takes 1 to 5 microseconds; the same asynchronous call takes 20 to 40,
 * because it goes through a thread. Only waiting for a lock or for the disk can take long, and has an asynchronous
 * form.
 *
 * @module
 */

import fs from "node:fs";

/** An open file. Its lock is a flock(2): it excludes other processes, and ends with the process. */
export interface DiskFile {
  /** Size in bytes. */
  size(): number;
  /** Whether the name leads to this file, or did so up to `maxAgeMs` ago: looking it up costs a system call. */
  isCurrent(maxAgeMs: number): boolean;
  /** Reads into `bytes` from `position`; returns how many bytes, 0 at the end. */
  read(bytes: Uint8Array, position: number): number;
  /** Writes some of `bytes` at `position`; returns how many. */
  write(bytes: Uint8Array, position: number): number;
  /**
   * From now on writes go past the page cache, if the system can do that: whole pages only, at borders of pages,
   * from memory that begins at one. A sync is needed as before.
   */
  bypassCache?(): void;
  /** Truncates the file to `size` bytes. */
  truncate(size: number): void;
  /** Flushes written data to stable storage (fdatasync). Blocks. */
  syncNow(): void;
  /** Flushes written data to stable storage (fdatasync), in a thread. */
  sync(): Promise<void>;
  /** Takes the lock if it is free; returns whether it was. */
  tryLock(): boolean;
  /** Takes the lock if it becomes free within about `timeMs`; returns whether it did. Blocks. */
  tryLockFor(timeMs: number): boolean;
  /** Waits for the lock, in a thread. */
  lock(): Promise<void>;
  unlock(): void;
  close(): void;
}

/** A folder of files. */
export interface Disk {
  /** Opens a file for reading and writing. Creates it if it is missing. */
  open(name: string): DiskFile;
  /** Creates a file; returns nothing if there is one of that name. */
  create(name: string): DiskFile | undefined;
  /** Creates a file whose name begins with `prefix` and was never used before. */
  createUnique(prefix: string): { name: string; file: DiskFile };
  /** Opens a file; returns nothing if there is none of that name. */
  find(name: string): DiskFile | undefined;
  /** Whether there is a file of that name. */
  exists(name: string): boolean;
  /** The names of all files that begin with `prefix`, in order. */
  list(prefix: string): string[];
  /** Removes a file. */
  remove(name: string): void;
  /** Makes the names of new files durable. */
  syncFolder(): void;
}

/** The owner may write the ledger, the owner's group may read it: it holds names and documents. */
const FILE_MODE = 0o640;

/** A folder of the file system. */
export class FolderDisk implements Disk {
  readonly #path: string;
  readonly #now: () => number;
  readonly #isReadOnly: boolean;

  /**
   * @param path The folder. It is created if it is missing, unless nothing is to be written.
   * @param now A monotonic clock, in milliseconds.
   * @param options Whether files are only found and read.
   */
  constructor(path: string, now = () => performance.now(), { isReadOnly = false } = {}) {
    this.#path = path;
    this.#now = now;
    this.#isReadOnly = isReadOnly;
    if (!isReadOnly) Deno.mkdirSync(path, { recursive: true });
  }

  open(name: string): DiskFile {
    return this.#open(name, { create: true });
  }

  create(name: string): DiskFile | undefined {
    try {
      return this.#open(name, { createNew: true });
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return undefined;
      throw error;
    }
  }

  createUnique(prefix: string): { name: string; file: DiskFile } {
    const name = `${prefix}${crypto.randomUUID()}`;
    return { name, file: this.#open(name, { createNew: true }) };
  }

  find(name: string): DiskFile | undefined {
    try {
      return this.#open(name, {});
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  list(prefix: string): string[] {
    const names = Array.from(Deno.readDirSync(this.#path), ({ name }) => name);
    return names.filter((name) => name.startsWith(prefix)).sort();
  }

  exists(name: string): boolean {
    return statOrNothing(`${this.#path}/${name}`) !== undefined;
  }

  remove(name: string): void {
    Deno.removeSync(`${this.#path}/${name}`);
  }

  #open(name: string, how: Deno.OpenOptions): DiskFile {
    const path = `${this.#path}/${name}`;
    const options = this.#isReadOnly ? {} : { write: true, mode: FILE_MODE, ...how };
    const file = Deno.openSync(path, { read: true, ...options });
    return new RealFile(path, file, this.#now);
  }

  /** The names of all files. */
  names(): string[] {
    return Array.from(Deno.readDirSync(this.#path), ({ name }) => name);
  }

  syncFolder(): void {
    // Windows can neither open nor sync a folder, and need not.
    if (Deno.build.os === "windows") return;
    using folder = Deno.openSync(this.#path);
    folder.syncSync();
  }
}

/** The pause between two attempts to take a lock, which is held for about as long. */
const LOCK_PAUSE_MS = 0.02;
/** Nothing ever changes this value: waiting for a change is a pause. */
const PAUSE = new Int32Array(new SharedArrayBuffer(4));

const WASM_PAGE_BYTES = 65_536;

class RealFile implements DiskFile {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #inode: number | null;
  readonly #now: () => number;
  /** When the name last led to this file. */
  #currentAt = -Infinity;
  /** Where the next read or write takes place without a seek; -1 if that is not known. */
  #position = 0;
  /** The descriptor for writes past the page cache. */
  #direct: number | undefined;

  constructor(path: string, file: Deno.FsFile, now: () => number) {
    this.#path = path;
    this.#file = file;
    this.#inode = file.statSync().ino;
    this.#now = now;
  }

  size(): number {
    // A stat returns ten more values, and takes five times as long.
    return this.#position = this.#file.seekSync(0, Deno.SeekMode.End);
  }

  isCurrent(maxAgeMs: number): boolean {
    // An exact answer is wanted in every round, and needs no clock.
    if (maxAgeMs === 0) return this.#isCurrentNow();
    const now = this.#now();
    if (now - this.#currentAt < maxAgeMs) return true;
    const isCurrent = this.#isCurrentNow();
    if (isCurrent) this.#currentAt = now;
    return isCurrent;
  }

  #isCurrentNow(): boolean {
    return statOrNothing(this.#path)?.ino === this.#inode;
  }

  read(bytes: Uint8Array, position: number): number {
    this.#seek(position);
    const count = this.#file.readSync(bytes) ?? 0;
    this.#position = position + count;
    return count;
  }

  bypassCache(): void {
    const { O_RDWR, O_DIRECT } = fs.constants;
    // Deno itself opens no file in this way, and only Linux has it.
    if (O_DIRECT === undefined || this.#direct !== undefined) return;
    this.#direct = openOrNothing(this.#path, O_RDWR | O_DIRECT);
    // Somebody may have moved the file, and put another one in its place.
    if (this.#direct !== undefined && fs.fstatSync(this.#direct).ino !== this.#inode) {
      this.#closeDirect();
    }
  }

  write(bytes: Uint8Array, position: number): number {
    return this.#writeDirectly(bytes, position) ?? this.#writeCached(bytes, position);
  }

  /** Returns nothing if the file system turns out to want other borders. */
  #writeDirectly(bytes: Uint8Array, position: number): number | undefined {
    if (this.#direct === undefined) return undefined;
    try {
      return fs.writeSync(this.#direct, bytes, 0, bytes.length, position);
    } catch (error) {
      if ((error as { code: string }).code !== "EINVAL") throw error;
      this.#closeDirect();
      return undefined;
    }
  }

  #closeDirect(): void {
    if (this.#direct !== undefined) fs.closeSync(this.#direct);
    this.#direct = undefined;
  }

  #writeCached(bytes: Uint8Array, position: number): number {
    this.#seek(position);
    const count = this.#file.writeSync(bytes);
    this.#position = position + count;
    return count;
  }

  /** Nobody else moves the position of this handle, so a seek to the current position is skipped. */
  #seek(position: number): void {
    if (position !== this.#position) this.#file.seekSync(position, Deno.SeekMode.Start);
    // If the read or write fails, its end is unknown.
    this.#position = -1;
  }

  truncate(size: number): void {
    this.#file.truncateSync(size);
  }

  syncNow(): void {
    this.#file.syncDataSync();
  }

  sync(): Promise<void> {
    return this.#file.syncData();
  }

  tryLock(): boolean {
    return this.#file.tryLockSync(true);
  }

  tryLockFor(timeMs: number): boolean {
    for (let waitedMs = 0; waitedMs < timeMs; waitedMs += LOCK_PAUSE_MS) {
      // The holder of the lock gets the processor meanwhile.
      Atomics.wait(PAUSE, 0, 0, LOCK_PAUSE_MS);
      if (this.tryLock()) return true;
    }
    return false;
  }

  lock(): Promise<void> {
    return this.#file.lock(true);
  }

  unlock(): void {
    this.#file.unlockSync();
  }

  close(): void {
    this.#closeDirect();
    this.#file.close();
  }
}

/** Opens a file; returns nothing if there is none, or the file system knows no such flags. */
function openOrNothing(path: string, flags: number): number | undefined {
  try {
    return fs.openSync(path, flags);
  } catch (error) {
    if (["EINVAL", "ENOENT"].includes((error as { code: string }).code)) return undefined;
    throw error;
  }
}

/**
 * Makes room for `size` bytes in memory that begins at a border of pages. Under --jitless it may begin anywhere:
 * then the system refuses to write it past the cache.
 */
export function pageAligned(size: number): Uint8Array<ArrayBuffer> {
  if (typeof WebAssembly === "undefined") return new Uint8Array(size);
  // The only memory in JavaScript of which that is known.
  const { buffer } = new WebAssembly.Memory({ initial: Math.ceil(size / WASM_PAGE_BYTES) });
  return new Uint8Array(buffer as ArrayBuffer, 0, size);
}

function statOrNothing(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Writes all of `bytes` at `position`, in as many writes as the disk needs. */
export function writeAll(file: DiskFile, bytes: Uint8Array, position: number): void {
  let written = 0;
  while (written < bytes.length) {
    const count = file.write(bytes.subarray(written), position + written);
    if (count <= 0) throw new Error("the disk accepts no more bytes");
    written += count;
  }
}

/** Fills `bytes` from `position`; returns how many bytes there were before the end of the file. */
export function readFully(
  file: Pick<DiskFile, "read">,
  bytes: Uint8Array,
  position: number,
): number {
  let filled = 0;
  while (filled < bytes.length) {
    const count = file.read(bytes.subarray(filled), position + filled);
    if (count <= 0) break;
    filled += count;
  }
  return filled;
}
