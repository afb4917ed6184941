/**
 * A disk whose power can be cut: an ext4 file system in an image file. What was not synced exists
 * only in the memory of the kernel, not in the image.
 *
 * @module
 */

import { mustRun } from "./commands.ts";

const BYTES_PER_MEGABYTE = 1024 * 1024;
/**
 * The kernel writes dirty pages back by itself now and then; a copy that overlaps with that is
 * repeated.
 */
const COPY_ATTEMPTS = 50;
const UNMOUNT_ATTEMPTS = 50;
const UNMOUNT_PAUSE_MS = 50;

/** A mounted disk, removed when disposed. */
export class LoopDisk implements AsyncDisposable {
  /** The folder at which it is mounted. */
  readonly path: string;
  readonly #folder: string;
  #isMounted = false;

  /** Makes an empty disk. */
  constructor(megabytes: number) {
    this.#folder = Deno.makeTempDirSync({ prefix: "lottery-disk-" });
    this.path = `${this.#folder}/mounted`;
    Deno.mkdirSync(this.path);
    Deno.writeFileSync(this.#image, new Uint8Array());
    Deno.truncateSync(this.#image, megabytes * BYTES_PER_MEGABYTE);
    // Initializes everything now, so that the image changes only when the ledger's files do.
    const options = "lazy_itable_init=0,lazy_journal_init=0";
    mustRun("mkfs.ext4", ["-q", "-E", options, this.#image]);
    this.#mount();
  }

  /** Copies what is on the disk at one moment. Nothing may write to the disk meanwhile. */
  copy(): void {
    for (let attempt = 0; attempt < COPY_ATTEMPTS; attempt++) {
      mustRun("cp", ["--sparse=always", this.#image, this.#copy]);
      // If no byte differs after copying, the copy shows the disk at the moment between the two
      // commands.
      const args = ["-s", this.#image, this.#copy];
      if (new Deno.Command("cmp", { args }).outputSync().success) return;
    }
    throw new Error(`Cannot copy ${this.#image}: it keeps changing`);
  }

  /** Replaces the disk by the copy, as a power cut would. No process may use the disk any more. */
  async restoreCopy(): Promise<void> {
    await this.#unmount();
    Deno.renameSync(this.#copy, this.#image);
    this.#checkFileSystem();
    this.#mount();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#unmount();
    await Deno.remove(this.#folder, { recursive: true });
  }

  get #image(): string {
    return `${this.#folder}/image`;
  }

  get #copy(): string {
    return `${this.#folder}/copy`;
  }

  /**
   * Replays the file system's own journal and repairs what it must, as a machine does when it
   * boots.
   */
  #checkFileSystem(): void {
    const { code, stdout } = new Deno.Command("e2fsck", { args: ["-p", "-f", this.#image] })
      .outputSync();
    if (code <= 1) return;
    throw new Error(`Cannot repair the disk: ${new TextDecoder().decode(stdout)}`);
  }

  #mount(): void {
    mustRun("mount", ["-o", "loop", this.#image, this.path]);
    this.#isMounted = true;
  }

  async #unmount(): Promise<void> {
    for (let attempt = 1; this.#isMounted; attempt++) {
      try {
        mustRun("umount", [this.path]);
        this.#isMounted = false;
      } catch (error) {
        // A killed process may need a moment until its files are closed.
        if (attempt === UNMOUNT_ATTEMPTS) throw error;
        await new Promise((resolve) => setTimeout(resolve, UNMOUNT_PAUSE_MS));
      }
    }
  }
}
