/**
 * A folder of real files, with real locks, whose power can be cut: what was synced of each file is remembered, and
 * laid out as another folder. What was written and not synced is lost then, as far as a test wants it.
 *
 * @module
 */

import type { Disk, DiskFile } from "../ledger/disk.ts";
import { FolderDisk } from "../ledger/disk.ts";
import { ProcessKilled } from "./memory_faults.ts";
import { WrittenContent } from "./written_content.ts";

/** A process that uses a disk, and can be killed. */
export interface DiskProcess extends Disk {
  /** Kills the process, as `kill -9` does: its locks are released. */
  kill(): void;
}

/** A disk whose power can be cut: {@linkcode PowerFolder}, or one in memory. */
export interface PowerDisk {
  /** The files by name, with what is durable of each. */
  readonly nodes: ReadonlyMap<string, WrittenContent>;
  /** Starts another process that uses the disk. */
  process(): DiskProcess;
  /** Returns a file's bytes as processes see them. */
  bytes(name: string): Uint8Array;
  /** Returns a file's text as processes see it. */
  text(name: string): string;
  /** What a power cut leaves; `pick` chooses among the states of each file. */
  cutPower(pick: <State>(states: readonly State[]) => State): PowerDisk;
}

/** A folder whose power can be cut. Disposing of it kills its processes, and removes all files. */
export class PowerFolder implements PowerDisk, AsyncDisposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "lottery test " });
  readonly nodes = new Map<string, WrittenContent>();
  /** The names that are durable. */
  #names: [name: string, content: WrittenContent][] = [];
  readonly #processes: FolderProcess[] = [];
  /** What power cuts have left. */
  readonly #left: PowerFolder[] = [];

  process(): FolderProcess {
    const process = new FolderProcess(this);
    this.#processes.push(process);
    return process;
  }

  bytes(name: string): Uint8Array {
    return Deno.readFileSync(`${this.path}/${name}`);
  }

  text(name: string): string {
    return new TextDecoder().decode(this.bytes(name));
  }

  /** Makes the names of all files durable. A name that was removed is gone for good only then. */
  syncNames(): void {
    this.#names = [...this.nodes];
  }

  cutPower(pick: <State>(states: readonly State[]) => State): PowerFolder {
    const folder = new PowerFolder();
    for (const [name, content] of this.#names) {
      const bytes = pick(content.contentsAfterPowerCut()).slice();
      Deno.writeFileSync(`${folder.path}/${name}`, bytes);
      folder.nodes.set(name, new WrittenContent(bytes));
    }
    folder.syncNames();
    this.#left.push(folder);
    return folder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#processes) process.kill();
    await Deno.remove(this.path, { recursive: true });
    for (const folder of this.#left) await folder[Symbol.asyncDispose]();
  }
}

/** A process that uses a {@linkcode PowerFolder}. */
class FolderProcess extends FolderDisk implements DiskProcess {
  readonly #folder: PowerFolder;
  readonly #files = new Set<DiskFile>();
  #isKilled = false;

  constructor(folder: PowerFolder) {
    super(folder.path);
    this.#folder = folder;
  }

  kill(): void {
    if (this.#isKilled) return;
    this.#isKilled = true;
    for (const file of this.#files) file.close();
  }

  override open(name: string): DiskFile {
    return this.#watched(name, super.open(name));
  }

  override create(name: string): DiskFile | undefined {
    const file = super.create(name);
    return file && this.#watched(name, file);
  }

  override createUnique(prefix: string): { name: string; file: DiskFile } {
    const { name, file } = super.createUnique(prefix);
    return { name, file: this.#watched(name, file) };
  }

  override find(name: string): DiskFile | undefined {
    const file = super.find(name);
    return file && this.#watched(name, file);
  }

  override remove(name: string): void {
    this.#assertAlive();
    super.remove(name);
    this.#folder.nodes.delete(name);
  }

  override syncFolder(): void {
    this.#assertAlive();
    super.syncFolder();
    this.#folder.syncNames();
  }

  #assertAlive(): void {
    if (this.#isKilled) throw new ProcessKilled();
  }

  /** Remembers what is written to a file, and what of it is synced. */
  #watched(name: string, file: DiskFile): DiskFile {
    const { nodes } = this.#folder;
    const content = nodes.get(name) ?? new WrittenContent(new Uint8Array());
    nodes.set(name, content);
    this.#files.add(file);
    const [close, write, truncate] = [file.close, file.write, file.truncate]
      .map((method) => method.bind(file)) as [
        DiskFile["close"],
        DiskFile["write"],
        DiskFile["truncate"],
      ];
    const syncNow = file.syncNow.bind(file);
    return Object.assign(file, {
      close: () => {
        // The one who closes files of a killed process finds them closed.
        if (this.#files.delete(file)) close();
      },
      write: (bytes: Uint8Array, position: number) => {
        this.#assertAlive();
        const count = write(bytes, position);
        content.change({ kind: "write", bytes: bytes.slice(0, count), position });
        return count;
      },
      truncate: (size: number) => {
        this.#assertAlive();
        truncate(size);
        content.change({ kind: "truncate", size });
      },
      syncNow: () => {
        this.#assertAlive();
        syncNow();
        content.sync();
      },
      // In place, so that the order of steps depends on no thread.
      sync: async () => {
        await Promise.resolve();
        file.syncNow();
      },
    });
  }
}
