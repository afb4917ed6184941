/**
 * The few things that the ledger does with files, so that tests can put a failing disk in their place.
 *
 * Most calls block. On a local file each takes 1 to 5 microseconds, where the same call made
 * asynchronously takes 20 to 40 for its way through a thread; only waiting for a lock or for the disk
 * can take long, and has an asynchronous form.
 *
 * @module
 */

/** An open file. It is locked by flock(2): across processes, and let go when the process ends. */
export interface DiskFile {
  /** Bytes in the file. */
  size(): number;
  /** Whether the name still leads to this file, or did a moment ago. */
  isCurrent(): boolean;
  /** Reads into `bytes` from `position`; returns how many bytes, 0 at the end. */
  read(bytes: Uint8Array, position: number): number;
  /** Writes some of `bytes` at `position`; returns how many. */
  write(bytes: Uint8Array, position: number): number;
  /** Cuts the file to `size` bytes. */
  truncate(size: number): void;
  /** Makes what was written last (fdatasync). Blocks. */
  syncNow(): void;
  /** Makes what was written last (fdatasync), in a thread. */
  sync(): Promise<void>;
  /** Takes the lock if it is free. */
  tryLock(): boolean;
  /** Waits for the lock, in a thread. */
  lock(): Promise<void>;
  unlock(): void;
  close(): void;
}

/** A folder of files. */
export interface Disk {
  /** Opens a file to read and write, made first if it is missing. */
  open(name: string): DiskFile;
  /** Makes the names of the files last. */
  syncFolder(): void;
}

/** How long a name is taken to lead to the same file: looking it up costs as much as writing a batch. */
const CURRENT_MS = 50;

/** The real thing. */
export class FolderDisk implements Disk {
  readonly #path: string;
  readonly #now: () => number;

  /**
   * @param path The folder. It is made if it is missing.
   * @param now Milliseconds since some moment.
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
    // Windows can neither open nor sync a folder, and needs no such thing.
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
  /** Until when the name need not be looked up. */
  #currentUntil = 0;

  constructor(path: string, file: Deno.FsFile, now: () => number) {
    this.#path = path;
    this.#file = file;
    this.#inode = file.statSync().ino;
    this.#now = now;
  }

  size(): number {
    // A stat tells ten things more, and takes five times as long.
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
    // Deno has it since 2.7. Without it, every turn takes the way of one that found the lock taken.
    return this.#file.tryLockSync?.(true) ?? false;
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

/** Writes all of `bytes` at `position`, in as many writes as the disk wants. */
export function writeAll(file: DiskFile, bytes: Uint8Array, position: number): void {
  let written = 0;
  while (written < bytes.length) {
    const count = file.write(bytes.subarray(written), position + written);
    if (count <= 0) throw new Error("Cannot write: the disk takes no more bytes");
    written += count;
  }
}

/** Reads up to `bytes.length` bytes from `position`; returns how many there were. */
export function readFully(file: DiskFile, bytes: Uint8Array, position: number): number {
  let filled = 0;
  while (filled < bytes.length) {
    const count = file.read(bytes.subarray(filled), position + filled);
    if (count <= 0) break;
    filled += count;
  }
  return filled;
}
