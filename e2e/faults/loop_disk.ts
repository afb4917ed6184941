/**
 * A disk whose power can be cut: an ext4 file system in an image file. What was not made to last is in
 * the memory of the system alone, and so not in the image.
 *
 * @module
 */

import { must } from "./tools_at_hand.ts";

const IMAGE_BYTES_PER_MB = 1024 * 1024;
/** The system writes back now and then by itself; a copy that met that is made again. */
const COPY_TRIES = 50;
const UNMOUNT_TRIES = 50;
const UNMOUNT_REST_MS = 50;

/** A mounted disk, gone at the end of its block. */
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
    Deno.truncateSync(this.#image, megabytes * IMAGE_BYTES_PER_MB);
    // No work left over for later: the image changes only when the ledger's files do.
    const options = "lazy_itable_init=0,lazy_journal_init=0";
    must("mkfs.ext4", ["-q", "-E", options, this.#image]);
    this.#mount();
  }

  /** Copies what is on the disk at one moment. Nothing may be written meanwhile. */
  copy(): void {
    for (let tries = 0; tries < COPY_TRIES; tries++) {
      must("cp", ["--sparse=always", this.#image, this.#copy]);
      // If no byte differs after the copying, the copy is the disk of the moment between the two.
      const args = ["-s", this.#image, this.#copy];
      if (new Deno.Command("cmp", { args }).outputSync().success) return;
    }
    throw new Error(`Cannot copy ${this.#image}: it keeps changing`);
  }

  /** Puts the copy in the disk's place, as after a power cut. Nobody may use the disk any more. */
  async restoreCopy(): Promise<void> {
    await this.#unmount();
    Deno.renameSync(this.#copy, this.#image);
    this.#check();
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

  /** Replays the file system's own journal and mends what it must, as a starting machine does. */
  #check(): void {
    const { code, stdout } = new Deno.Command("e2fsck", { args: ["-p", "-f", this.#image] })
      .outputSync();
    if (code <= 1) return;
    throw new Error(`Cannot mend the disk: ${new TextDecoder().decode(stdout)}`);
  }

  #mount(): void {
    must("mount", ["-o", "loop", this.#image, this.path]);
    this.#isMounted = true;
  }

  async #unmount(): Promise<void> {
    for (let tries = 1; this.#isMounted; tries++) {
      try {
        must("umount", [this.path]);
        this.#isMounted = false;
      } catch (error) {
        // A process that was killed may need a moment to let go.
        if (tries === UNMOUNT_TRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, UNMOUNT_REST_MS));
      }
    }
  }
}
