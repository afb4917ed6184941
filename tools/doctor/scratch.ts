/**
 * A scratch folder on the shared volume, or where the volume will be, that is always removed.
 *
 * @module
 */

/** Prefix of the folder's name. */
export const SCRATCH_PREFIX = ".doctor-";

const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT"]
  : ["SIGINT", "SIGTERM"];

/** A folder that is removed when it is disposed of, or when a signal ends the process. */
export interface Scratch extends Disposable {
  path: string;
  /** The folder that contains it: the volume, or its nearest ancestor that exists. */
  parent: string;
}

/** Makes a scratch folder in `volume`, or in its nearest ancestor that exists. */
export function makeScratch(volume: string): Scratch {
  const parent = nearestFolder(volume);
  const cleanup = new DisposableStack();
  const stop = () => {
    cleanup.dispose();
    Deno.exit(130);
  };
  try {
    // Before there is a folder to remove.
    for (const signal of SIGNALS) {
      Deno.addSignalListener(signal, stop);
      cleanup.defer(() => Deno.removeSignalListener(signal, stop));
    }
    const path = Deno.makeTempDirSync({ dir: parent, prefix: SCRATCH_PREFIX });
    cleanup.defer(() => Deno.removeSync(path, { recursive: true }));
    return { path, parent, [Symbol.dispose]: () => cleanup.dispose() };
  } catch (error) {
    cleanup.dispose();
    throw error;
  }
}

function nearestFolder(path: string): string {
  for (let folder = path.replace(/\/+$/, "") || "/";;) {
    try {
      if (Deno.statSync(folder).isDirectory) return folder;
      throw new Deno.errors.NotADirectory(`${folder} is not a folder`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    const slash = folder.lastIndexOf("/");
    folder = slash < 0 ? "." : folder.slice(0, slash) || "/";
  }
}
