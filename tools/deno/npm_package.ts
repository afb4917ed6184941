/**
 * Fetches npm packages whose content is known, without their dependencies and without running
 * anything of them.
 *
 * Deno's npm client does the work. The lock file that it gets pins each package to the sha512 of
 * its tarball, which Deno enforces, and lists no dependencies. This module imports nothing, because
 * it runs where nothing can be imported.
 *
 * @module
 */

/** An npm package with known content. */
export interface NpmPackage {
  name: string;
  version: string;
  /** `sha512-` and the base64 of the tarball's hash, as the registry and lock files state it. */
  integrity: string;
}

/** For a package of almost 200 MB on a slow connection. */
const TIMEOUT_MS = 600_000;

/**
 * Fetches packages into an empty folder.
 *
 * @returns The folder of each package's files, by the package's name.
 * @throws {Error} If a package cannot be fetched, or its content is not the pinned one.
 */
export async function fetchNpmPackages(
  packages: readonly NpmPackage[],
  into: string,
): Promise<Map<string, string>> {
  await writeProject(packages, into);
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["install", "--frozen", "--quiet"],
    cwd: into,
    env: {
      DENO_DIR: `${into}/cache`,
      DENO_TLS_CA_STORE: Deno.env.get("DENO_TLS_CA_STORE") ?? "mozilla,system",
      NO_COLOR: "1",
    },
    stdin: "null",
    signal,
  }).output();
  if (!success) {
    const output = new TextDecoder().decode(stderr).replace(/Stack backtrace:.*/s, "");
    const reason = signal.aborted
      ? `no answer within ${TIMEOUT_MS / 60_000} minutes`
      : output.replaceAll(/\s+/g, " ").trim();
    throw new Error(
      `cannot fetch ${packages.map(({ name, version }) => `${name}@${version}`).join(", ")}: ` +
        `${reason}. Connect to the network, or set NPM_CONFIG_REGISTRY to a registry that can be ` +
        "reached, and try again",
    );
  }
  return new Map(packages.map(({ name }) => [name, `${into}/node_modules/${name}`]));
}

/** Writes a project that depends on the packages, and a lock file that pins them. */
async function writeProject(packages: readonly NpmPackage[], folder: string): Promise<void> {
  const specifiers = packages.map(({ name, version }) => `npm:${name}@${version}`);
  const config = {
    imports: Object.fromEntries(packages.map(({ name }, at) => [name, specifiers[at]])),
    nodeModulesDir: "auto",
    // A workspace of its own keeps it out of the project's.
    workspace: [],
  };
  const lock = {
    version: "5",
    specifiers: Object.fromEntries(packages.map(({ version }, at) => [specifiers[at], version])),
    npm: Object.fromEntries(
      packages.map(({ name, version, integrity }) => [
        `${name}@${version}`,
        { integrity, tarball: tarballUrl(name, version) },
      ]),
    ),
    workspace: { dependencies: specifiers },
  };
  await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(config));
  await Deno.writeTextFile(`${folder}/deno.lock`, JSON.stringify(lock));
}

/**
 * Returns the URL of a tarball if NPM_CONFIG_REGISTRY names a registry. Deno 2.7 ignores that
 * variable when it fetches a package of the lock file without a URL.
 */
function tarballUrl(name: string, version: string): string | undefined {
  const registry = Deno.env.get("NPM_CONFIG_REGISTRY")?.replace(/\/$/, "");
  return registry && `${registry}/${name}/-/${name.replace(/.*\//, "")}-${version}.tgz`;
}
