/**
 * What the tests of the tools share.
 *
 * @module
 */

/** A folder that is removed at the end of its block. */
export interface TempFolder extends AsyncDisposable {
  path: string;
}

/** Makes an empty folder. Its name holds a space, because somebody's project folder will. */
export async function tempFolder(): Promise<TempFolder> {
  const path = await Deno.makeTempDir({ prefix: "lottery tools " });
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** A test that writes files: ignored, with the reason in its name, where that is not allowed. */
export function writesFiles(name: string): { name: string; ignore: boolean } {
  return needing(name, ["write"]);
}

/** A test that runs shell scripts: ignored, with the reason in its name, where that is not allowed or possible. */
export function runsPrograms(name: string): { name: string; ignore: boolean } {
  if (Deno.build.os === "windows") return { name: `${name} (needs a POSIX shell)`, ignore: true };
  return needing(name, ["write", "run", "env"]);
}

function needing(
  name: string,
  permissions: readonly ("env" | "run" | "write")[],
): { name: string; ignore: boolean } {
  const missing = permissions.filter((permission) =>
    Deno.permissions.querySync({ name: permission }).state !== "granted"
  );
  if (missing.length === 0) return { name, ignore: false };
  return { name: `${name} (needs --allow-${missing.join(" --allow-")})`, ignore: true };
}
