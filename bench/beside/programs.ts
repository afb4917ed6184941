/**
 * Finds the programs of other systems, as Debian's packages install them.
 *
 * @module
 */

/** Where Debian puts programs that are not on the PATH, by version. */
const POSTGRES_FOLDER = "/usr/lib/postgresql";

/** Returns the path of a program, on the PATH or in a folder of PostgreSQL; undefined if there is none. */
export function findProgram(name: string): string | undefined {
  const onPath = (Deno.env.get("PATH") ?? "").split(":").filter((folder) => folder !== "");
  return [...onPath, ...postgresFolders()]
    .map((folder) => `${folder}/${name}`)
    .find((path) => isFile(path));
}

/** The newest version comes first. */
function postgresFolders(): string[] {
  try {
    const versions = [...Deno.readDirSync(POSTGRES_FOLDER)].map((entry) => Number(entry.name));
    return versions.sort((a, b) => b - a).map((version) => `${POSTGRES_FOLDER}/${version}/bin`);
  } catch {
    return [];
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Returns what a program prints that is run to its end. */
export async function outputOf(command: string, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(command, { args, stdin: "null" })
    .output();
  if (code === 0) return new TextDecoder().decode(stdout);
  throw new Error(`Cannot measure: ${command} failed: ${new TextDecoder().decode(stderr)}`);
}
