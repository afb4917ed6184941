/**
 * A folder for scratch on the shared volume, or where the volume will be, that does not stay behind.
 *
 * @module
 */

/** Begins the name of the folder. */
export const SCRATCH_PREFIX = ".doctor-";

/** A folder that is removed at the end of its block, or with the process. */
export interface Scratch extends Disposable {
  path: string;
  /** The folder that it is in: the volume, or the nearest one above it that is there. */
  parent: string;
}

/** Makes a folder for scratch in `volume`, or in the nearest folder above it that is there. */
export function makeScratch(volume: string): Scratch {
  const parent = nearestFolder(volume);
  let path: string | undefined;
  const remove = () => {
    if (path !== undefined) Deno.removeSync(path, { recursive: true });
  };
  const stop = () => {
    remove();
    Deno.exit(130);
  };
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  const forget = () => signals.forEach((signal) => Deno.removeSignalListener(signal, stop));
  // Before there is anything to be removed.
  for (const signal of signals) Deno.addSignalListener(signal, stop);
  try {
    path = Deno.makeTempDirSync({ dir: parent, prefix: SCRATCH_PREFIX });
  } catch (error) {
    forget();
    throw error;
  }
  const dispose = () => {
    forget();
    remove();
  };
  return { path, parent, [Symbol.dispose]: dispose };
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
