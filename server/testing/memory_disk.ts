/**
 * A disk in memory on which anything can go wrong at a chosen operation: the operation fails, a
 * write is partial, the disk is full, power is cut, or a process that uses it is killed.
 *
 * As on a real disk, all processes see written data at once, and only synced data is durable.
 *
 * @module
 */

import type { Disk, DiskFile } from "../ledger/disk.ts";
import { LOG_PREFIX } from "../ledger/file/volume_files.ts";
import { Random } from "../../testing/random.ts";
import { type Fault, type Operation, type OperationKind, ProcessKilled } from "./memory_faults.ts";
import { WrittenContent } from "./written_content.ts";

export type { Fault, Operation };

function kindOfName(name: string): string {
  return name.startsWith(LOG_PREFIX) ? LOG_PREFIX : name;
}

/** Blocks an operation until it is released. */
export interface Hold {
  /** Resolves when a process has reached the operation. */
  reached: Promise<void>;
  release: () => void;
}

/** The disk that all processes share. */
export class MemoryDisk {
  /** The number of operations so far. */
  operations = 0;
  /** The next name that no file has had. */
  nextName = 1;
  /** Most bytes of all files together. */
  capacity = Infinity;
  /** Called before each operation. Returns its fault, if it has one. */
  fault: (operation: Operation) => Fault | undefined = () => undefined;
  readonly nodes = new Map<string, FileNode>();
  /** The operations that wait, by kind and file. */
  readonly holds = new Map<string, { reached: () => void; released: Promise<void> }>();

  /** Starts another process that uses the disk. */
  process(): MemoryProcess {
    return new MemoryProcess(this);
  }

  /** Bytes of all files together. */
  get used(): number {
    let used = 0;
    for (const { bytes } of this.nodes.values()) used += bytes.length;
    return used;
  }

  /** Returns a file's bytes as processes see them; none if it is missing. */
  bytes(name: string): Uint8Array {
    return this.nodes.get(name)?.bytes.slice() ?? new Uint8Array();
  }

  /** Returns a file's text as processes see it. */
  text(name: string): string {
    return new TextDecoder().decode(this.bytes(name));
  }

  /** Creates or replaces a file, durably. */
  put(name: string, content: string | Uint8Array): void {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    this.nodes.set(name, new FileNode(bytes));
  }

  /** Replaces a file's content in place, durably: open handles see it. */
  overwrite(name: string, content: string): void {
    this.nodes.get(name)!.replaceContent(new TextEncoder().encode(content));
  }

  /** Removes a file's name, as `rm` does: processes that have opened the file keep it. */
  remove(name: string): void {
    this.nodes.delete(name);
  }

  /** Blocks the next asynchronous `sync` or `lock` of a file. */
  hold(kind: "sync" | "lock", file: string): Hold {
    const reached = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    this.holds.set(`${kind} ${file}`, { reached: reached.resolve, released: released.promise });
    return { reached: reached.promise, release: released.resolve };
  }

  /** One disk that a power cut now could leave; `pick` chooses among the states of each file. */
  cutPower(pick: <State>(states: readonly State[]) => State): MemoryDisk {
    const disk = new MemoryDisk();
    for (const [name, node] of this.nodes) {
      const state = pick(node.statesAfterPowerCut());
      if (state !== undefined) disk.nodes.set(name, new FileNode(state.slice()));
    }
    disk.nextName = this.nextName;
    return disk;
  }

  /**
   * Yields disks that a power cut could leave at this moment: every state of each file, beside the oldest and
   * the newest of all others, and a number of mixtures.
   */
  *afterPowerCut(): Generator<MemoryDisk> {
    const files = [...this.nodes].map(([name, node]) => ({
      name,
      states: node.statesAfterPowerCut(),
    }));
    const most = Math.max(1, ...files.map(({ states }) => states.length));
    if (most === 1) return yield diskOf(files.map(({ name, states }) => [name, states[0]]));
    for (const { name: varied, states: variants } of files) {
      if (variants.length === 1) continue;
      for (const variant of variants) {
        for (const at of [0, -1]) {
          yield diskOf(files.map(({ name, states }) => [
            name,
            name === varied ? variant : states.at(at),
          ]));
        }
      }
    }
    const random = new Random(this.operations);
    for (let mixture = 0; mixture < MIXTURES; mixture++) {
      yield diskOf(files.map(({ name, states }) => [name, random.pick(states)]));
    }
  }
}

/** How many mixtures of states a power cut is tried with. */
const MIXTURES = 12;

function diskOf(files: [name: string, state: Uint8Array | undefined][]): MemoryDisk {
  const disk = new MemoryDisk();
  for (const [name, state] of files) {
    if (state !== undefined) disk.nodes.set(name, new FileNode(state.slice()));
  }
  return disk;
}

/** A process that uses the disk. */
export class MemoryProcess implements Disk {
  readonly #disk: MemoryDisk;
  readonly #files = new Set<MemoryFile>();
  #isKilled = false;

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
  }

  get isKilled(): boolean {
    return this.#isKilled;
  }

  /** Kills the process, as `kill -9` does: its locks are released. */
  kill(): void {
    if (this.#isKilled) return;
    this.#isKilled = true;
    for (const file of this.#files) file.close();
  }

  open(name: string): DiskFile {
    this.happens("open", name);
    const node = this.#disk.nodes.get(name) ?? new FileNode();
    this.#disk.nodes.set(name, node);
    const file = new MemoryFile(this.#disk, this, { name, node });
    this.#files.add(file);
    return file;
  }

  createUnique(prefix: string): { name: string; file: DiskFile } {
    const name = `${prefix}${this.#disk.nextName++}`;
    return { name, file: this.open(name) };
  }

  create(name: string): DiskFile | undefined {
    return this.#disk.nodes.has(name) ? undefined : this.open(name);
  }

  remove(name: string): void {
    this.#disk.remove(name);
  }

  find(name: string): DiskFile | undefined {
    return this.#disk.nodes.has(name) ? this.open(name) : undefined;
  }

  list(prefix: string): string[] {
    return [...this.#disk.nodes.keys()].filter((name) => name.startsWith(prefix)).sort();
  }

  exists(name: string): boolean {
    return this.#disk.nodes.has(name);
  }

  /** The names of all files. */
  names(): string[] {
    return [...this.#disk.nodes.keys()];
  }

  syncFolder(): void {
    this.happens("syncFolder", ".");
    for (const node of this.#disk.nodes.values()) node.isNameSynced = true;
  }

  /**
   * Counts an operation and returns its fault.
   *
   * @param onBytes Writes the bytes that a failing operation leaves in the file.
   * @throws {Error} If the fault makes the operation fail.
   * @throws {ProcessKilled} If the fault kills the process, or it was killed before.
   */
  happens(kind: OperationKind, file: string, onBytes?: (bytes: number) => void): Fault | undefined {
    if (this.#isKilled) throw new ProcessKilled();
    const number = ++this.#disk.operations;
    const fault = this.#disk.fault({ number, kind, file: kindOfName(file), process: this });
    if (fault?.kind === "fail" || fault?.kind === "kill") onBytes?.(fault.bytes ?? 0);
    if (fault?.kind === "kill") {
      this.kill();
      throw new ProcessKilled();
    }
    if (fault?.kind === "fail") throw new Error(`${kind} ${file}: injected fault`);
    return fault;
  }
}

/** A file, independent of its name. */
class FileNode extends WrittenContent {
  isNameSynced: boolean;
  readonly openFiles = new Set<MemoryFile>();
  locker: MemoryFile | undefined;
  lockQueue: { file: MemoryFile; grant: () => void; refuse: (error: Error) => void }[] = [];

  /** @param durable The durable content. Without it, the file is new. */
  constructor(durable?: Uint8Array) {
    super(durable ?? new Uint8Array());
    this.isNameSynced = durable !== undefined;
  }

  /** Loses the unsynced changes. Every other open handle gets the error once, at its next sync. */
  failSync(failing: MemoryFile): void {
    this.forgetChanges();
    for (const file of this.openFiles) {
      if (file !== failing) file.hasMissedFailure = true;
    }
  }

  /** Returns the contents that a power cut may leave; `undefined` stands for no file. */
  statesAfterPowerCut(): (Uint8Array | undefined)[] {
    const states = this.contentsAfterPowerCut();
    return this.isNameSynced ? states : [undefined, ...states];
  }

  releaseLock(file: MemoryFile): void {
    if (this.locker !== file) return;
    const next = this.lockQueue.shift();
    this.locker = next?.file;
    next?.grant();
  }
}

class MemoryFile implements DiskFile {
  /** Whether another handle's sync has failed since the last sync of this one. */
  hasMissedFailure = false;
  readonly #disk: MemoryDisk;
  readonly #process: MemoryProcess;
  readonly #name: string;
  readonly #node: FileNode;

  constructor(
    disk: MemoryDisk,
    process: MemoryProcess,
    { name, node }: { name: string; node: FileNode },
  ) {
    this.#disk = disk;
    this.#process = process;
    this.#name = name;
    this.#node = node;
    node.openFiles.add(this);
  }

  size(): number {
    this.#happens("size");
    return this.#node.bytes.length;
  }

  isCurrent(): boolean {
    this.#happens("isCurrent");
    return this.#disk.nodes.get(this.#name) === this.#node;
  }

  read(bytes: Uint8Array, position: number): number {
    this.#happens("read");
    const found = this.#node.bytes.subarray(position, position + bytes.length);
    bytes.set(found);
    return found.length;
  }

  write(bytes: Uint8Array, position: number): number {
    const put = (count: number) => {
      const taken = bytes.slice(0, count);
      if (count > 0) this.#node.change({ kind: "write", bytes: taken, position });
    };
    const fault = this.#happens("write", put);
    const wanted = fault?.kind === "short" ? Math.min(fault.bytes, bytes.length) : bytes.length;
    const taken = Math.min(wanted, this.#room(position));
    if (taken === 0 && wanted > 0) throw new Error("No space left on device (os error 28)");
    put(taken);
    return taken;
  }

  truncate(size: number): void {
    this.#happens("truncate");
    this.#node.change({ kind: "truncate", size });
  }

  syncNow(): void {
    try {
      this.#happens("sync");
    } catch (error) {
      if (!this.#process.isKilled) this.#node.failSync(this);
      throw error;
    }
    this.#node.sync();
    if (!this.hasMissedFailure) return;
    this.hasMissedFailure = false;
    throw new Error(`sync ${this.#name}: an earlier one has failed`);
  }

  async sync(): Promise<void> {
    await this.#held("sync");
    this.syncNow();
  }

  tryLock(): boolean {
    this.#happens("tryLock");
    this.#node.locker ??= this;
    return this.#node.locker === this;
  }

  /** Nobody else could release it meanwhile. */
  tryLockFor(): boolean {
    return this.tryLock();
  }

  async lock(): Promise<void> {
    await this.#held("lock");
    this.#happens("lock");
    this.#node.locker ??= this;
    if (this.#node.locker === this) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#node.lockQueue.push({ file: this, grant: resolve, refuse: reject });
    await promise;
  }

  unlock(): void {
    this.#happens("unlock");
    this.#node.releaseLock(this);
  }

  /** Closes the file: passes its lock to the next waiter, and rejects its own pending locks. */
  close(): void {
    this.#node.openFiles.delete(this);
    const { lockQueue } = this.#node;
    for (const waiting of lockQueue.filter(({ file }) => file === this)) {
      lockQueue.splice(lockQueue.indexOf(waiting), 1);
      waiting.refuse(new ProcessKilled());
    }
    this.#node.releaseLock(this);
  }

  #happens(kind: OperationKind, onBytes?: (bytes: number) => void): Fault | undefined {
    return this.#process.happens(kind, this.#name, onBytes);
  }

  async #held(kind: "sync" | "lock"): Promise<void> {
    const key = `${kind} ${kindOfName(this.#name)}`;
    const hold = this.#disk.holds.get(key);
    this.#disk.holds.delete(key);
    hold?.reached();
    await hold?.released;
  }

  /** Returns the most bytes that a write at `position` may have before the disk is full. */
  #room(position: number): number {
    return Math.max(0, this.#disk.capacity - this.#disk.used) +
      Math.max(0, this.#node.bytes.length - position);
  }
}
