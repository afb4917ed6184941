/**
 * The few file operations that the ledger needs, as an interface, so that tests can replace the disk by a
 * failing one.
 *
 * Most calls block. On a local file each takes 1 to 5 microseconds, where the same asynchronous call takes
 * 20 to 40 for its detour through a thread. Only waiting for a lock or for the disk can take long, and has
 * an asynchronous form.
 *
 * @module
 */

/** An open file. Its lock is a flock(2): it excludes other processes, and ends with the process. */
export interface DiskFile {
  /** Size in bytes. */
  size(): number;
  /** Whether the name leads to this file, or did so a moment ago. */
  isCurrent(): boolean;
  /** Reads into `bytes` from `position`; returns how many bytes, 0 at the end. */
  read(bytes: Uint8Array, position: number): number;
  /** Writes some of `bytes` at `position`; returns how many. */
  write(bytes: Uint8Array, position: number): number;
  /** Truncates the file to `size` bytes. */
  truncate(size: number): void;
  /** Flushes written data to stable storage (fdatasync). Blocks. */
  syncNow(): void;
  /** Flushes written data to stable storage (fdatasync), in a thread. */
  sync(): Promise<void>;
  /** Takes the lock if it is free; returns whether it was. */
  tryLock(): boolean;
  /** Waits for the lock, in a thread. */
  lock(): Promise<void>;
  unlock(): void;
  close(): void;
}

/** A folder of files. */
export interface Disk {
  /** Opens a file for reading and writing. Creates it if it is missing. */
  open(name: string): DiskFile;
  /** Makes the names of new files durable. */
  syncFolder(): void;
}

/** How long a name is trusted to lead to the same file: looking it up costs as much as writing a batch. */
const CURRENT_MS = 50;

/** A folder of the file system. */
export class FolderDisk implements Disk {
  readonly #path: string;
  readonly #now: () => number;

  /**
   * @param path The folder. It is created if it is missing.
   * @param now A monotonic clock, in milliseconds.
   */
  constructor(path: string, now = () => performance.now()) {
    this.#path = path;
    this.#now = now;
    Deno.mkdirSync(path, { recursive: true });
  }

  open(name: string): DiskFile {
    const path = `${this.#path}/${name}`;
    const file = Deno.openSync(path, { read: true, write: true, create: true });
    return new RealFile(path, file, this.#now);
  }

  syncFolder(): void {
    // Windows can neither open nor sync a folder, and need not.
    if (Deno.build.os === "windows") return;
    using folder = Deno.openSync(this.#path);
    folder.syncSync();
  }
}

class RealFile implements DiskFile {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #inode: number | null;
  readonly #now: () => number;
  /** Time until which the name need not be looked up. */
  #currentUntil = 0;

  constructor(path: string, file: Deno.FsFile, now: () => number) {
    this.#path = path;
    this.#file = file;
    this.#inode = file.statSync().ino;
    this.#now = now;
  }

  size(): number {
    // A stat returns ten more values, and takes five times as long.
    return this.#file.seekSync(0, Deno.SeekMode.End);
  }

  isCurrent(): boolean {
    const now = this.#now();
    if (now < this.#currentUntil) return true;
    const isCurrent = this.#lookUp() === this.#inode;
    if (isCurrent) this.#currentUntil = now + CURRENT_MS;
    return isCurrent;
  }

  #lookUp(): number | null | undefined {
    try {
      return Deno.statSync(this.#path).ino;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  read(bytes: Uint8Array, position: number): number {
    this.#file.seekSync(position, Deno.SeekMode.Start);
    return this.#file.readSync(bytes) ?? 0;
  }

  write(bytes: Uint8Array, position: number): number {
    this.#file.seekSync(position, Deno.SeekMode.Start);
    return this.#file.writeSync(bytes);
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

  lock(): Promise<void> {
    return this.#file.lock(true);
  }

  unlock(): void {
    this.#file.unlockSync();
  }

  close(): void {
    this.#file.close();
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
export function readFully(file: DiskFile, bytes: Uint8Array, position: number): number {
  let filled = 0;
  while (filled < bytes.length) {
    const count = file.read(bytes.subarray(filled), position + filled);
    if (count <= 0) break;
    filled += count;
  }
  return filled;
}
