/**
 * Fetches npm packages through the clients at hand and unpacks them, checked against a known sha512 and without running
 * anything of them. It imports nothing but built-ins, because it runs when nothing else can be imported.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** A package of which we know what we want. */
export interface NpmPackage {
  name: string;
  version: string;
  /** `sha512-` and the base64 of the tarball's hash, as the registry and lock files write it. */
  integrity: string;
}

/** Where and how long to fetch. */
export interface FetchOptions {
  /** An existing folder, in which the packages and scratch files are put. */
  into: string;
  /** How long one call of a client may take. @default {300_000} */
  timeoutMs?: number;
  /** The npm program. @default {"npm"} */
  npm?: string;
}

/**
 * Fetches packages and answers the folder of each one's files, by name. `npm pack` goes first, because it fetches
 * nothing but these packages; Deno's own client, which fetches their dependencies too, serves where there is no npm.
 * Throws when both fail or when a package is not the one that was pinned.
 */
export async function fetchNpmPackages(
  packages: readonly NpmPackage[],
  options: FetchOptions,
): Promise<Map<string, string>> {
  try {
    return await fetchWithNpm(packages, options);
  } catch (npmError) {
    if (npmError instanceof IntegrityError) throw npmError;
    try {
      return await fetchWithDeno(packages, options);
    } catch (denoError) {
      if (denoError instanceof IntegrityError) throw denoError;
      throw new Error(
        `cannot fetch ${
          packages.map((wanted) => `${wanted.name}@${wanted.version}`).join(", ")
        }: ` +
          `npm: ${firstLine(npmError)}; Deno's npm client: ${firstLine(denoError)}. ` +
          "Connect to the network, or set the registry that npm and Deno shall use, and try again",
      );
    }
  }
}

/** Thrown when a package is not the one that was pinned; trying another client would not mend that. */
export class IntegrityError extends Error {
  constructor(wanted: NpmPackage, found: string) {
    super(
      `package ${wanted.name}@${wanted.version} is not the known one: ` +
        `its hash is ${found} and should be ${wanted.integrity}`,
    );
    this.name = "IntegrityError";
  }
}

async function fetchWithNpm(
  packages: readonly NpmPackage[],
  { into, timeoutMs = 300_000, npm = "npm" }: FetchOptions,
): Promise<Map<string, string>> {
  const folders = new Map<string, string>();
  for (const [index, wanted] of packages.entries()) {
    const folder = `${into}/npm-${index}`;
    await Deno.mkdir(folder);
    await run(npm, {
      args: ["pack", "--loglevel=error", "--ignore-scripts", `${wanted.name}@${wanted.version}`],
      cwd: folder,
      timeoutMs,
    });
    const tarball = `${folder}/${await onlyEntry(folder)}`;
    await checkIntegrity(tarball, wanted);
    using file = await Deno.open(tarball);
    await unpackTar(file.readable.pipeThrough(new DecompressionStream("gzip")), folder);
    await Deno.remove(tarball);
    folders.set(wanted.name, `${folder}/package`);
  }
  return folders;
}

async function fetchWithDeno(
  packages: readonly NpmPackage[],
  { into, timeoutMs = 300_000 }: FetchOptions,
): Promise<Map<string, string>> {
  const folder = `${into}/deno`;
  await Deno.mkdir(folder);
  const imports = Object.fromEntries(
    packages.map((wanted) => [wanted.name, `npm:${wanted.name}@${wanted.version}`]),
  );
  await Deno.writeTextFile(
    `${folder}/deno.json`,
    // With a workspace of its own, it is no part of the project's.
    JSON.stringify({ imports, nodeModulesDir: "auto", lock: true, workspace: [] }),
  );
  const env = {
    DENO_DIR: `${folder}/cache`,
    DENO_TLS_CA_STORE: Deno.env.get("DENO_TLS_CA_STORE") ?? "mozilla,system",
  };
  await run(Deno.execPath(), { args: ["install", "--quiet"], cwd: folder, env, timeoutMs });
  const lock = JSON.parse(await Deno.readTextFile(`${folder}/deno.lock`));
  for (const wanted of packages) {
    const found = lock.npm?.[`${wanted.name}@${wanted.version}`]?.integrity ?? "unknown";
    if (found !== wanted.integrity) throw new IntegrityError(wanted, found);
  }
  return new Map(packages.map(({ name }) => [name, `${folder}/node_modules/${name}`]));
}

/** Runs a program to its end. Throws with its last words when it fails, is not there or takes too long. */
async function run(
  program: string,
  { args, cwd, env, timeoutMs }: {
    args: string[];
    cwd: string;
    env?: Record<string, string>;
    timeoutMs: number;
  },
): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs);
  const options: Deno.CommandOptions = { args, cwd, stdin: "null", stdout: "piped", signal };
  if (env !== undefined) options.env = env;
  const output = await new Deno.Command(program, options).output();
  if (output.success) return;
  if (signal.aborted) throw new Error(`no answer within ${timeoutMs / 1000} seconds`);
  throw new Error(new TextDecoder().decode(output.stderr).trim() || `exit code ${output.code}`);
}

async function onlyEntry(folder: string): Promise<string> {
  for await (const entry of Deno.readDir(folder)) return entry.name;
  throw new Error(`nothing was put into ${folder}`);
}

async function checkIntegrity(path: string, wanted: NpmPackage): Promise<void> {
  const hash = createHash("sha512");
  using file = await Deno.open(path);
  for await (const chunk of file.readable) hash.update(chunk);
  const found = `sha512-${hash.digest("base64")}`;
  if (found !== wanted.integrity) throw new IntegrityError(wanted, found);
}

const TAR_BLOCK_BYTES = 512;

/**
 * Writes the plain files of a tar stream below a folder. It knows what npm writes (ustar names, and pax headers, whose
 * long names it takes); links are left out.
 */
export async function unpackTar(tar: ReadableStream<Uint8Array>, into: string): Promise<void> {
  const bytes = new ByteReader(tar);
  let paxPath: string | undefined;
  for (;;) {
    const header = await bytes.read(TAR_BLOCK_BYTES);
    if (header === null || header.every((byte) => byte === 0)) break;
    const entry = readTarHeader(header);
    const padding = (TAR_BLOCK_BYTES - entry.sizeBytes % TAR_BLOCK_BYTES) % TAR_BLOCK_BYTES;
    if (entry.type === "x") {
      const pax = await bytes.readExactly(entry.sizeBytes);
      paxPath = /^\d+ path=(.*)$/m.exec(new TextDecoder().decode(pax))?.[1];
    } else {
      const path = paxPath ?? entry.path;
      paxPath = undefined;
      const isFile = entry.type === "0" || entry.type === "\0";
      await bytes.copy(entry.sizeBytes, isFile ? await createBelow(into, path) : undefined);
    }
    await bytes.copy(padding);
  }
  await bytes.cancel();
}

function readTarHeader(header: Uint8Array): { path: string; type: string; sizeBytes: number } {
  const text = (from: number, length: number) =>
    new TextDecoder().decode(header.subarray(from, from + length)).replace(/\0.*$/s, "");
  const prefix = text(345, 155);
  const name = text(0, 100);
  return {
    path: prefix === "" ? name : `${prefix}/${name}`,
    type: String.fromCharCode(header[156] ?? 0),
    sizeBytes: parseInt(text(124, 12), 8),
  };
}

async function createBelow(folder: string, path: string): Promise<Deno.FsFile> {
  if (path.startsWith("/") || path.split("/").includes("..")) {
    throw new Error(`the package holds the path "${path}", which leads out of it`);
  }
  const full = `${folder}/${path}`;
  await Deno.mkdir(full.slice(0, full.lastIndexOf("/")), { recursive: true });
  return await Deno.create(full);
}

/** Reads a stream in pieces of wanted sizes. */
class ByteReader {
  #reader: ReadableStreamDefaultReader<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** The next bytes, at most so many; null at the end. */
  async #next(bytesMax: number): Promise<Uint8Array | null> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#reader.read();
      if (done) return null;
      this.#rest = value;
    }
    const piece = this.#rest.subarray(0, bytesMax);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }

  /** Exactly so many bytes, or null if the stream ends before the first of them. */
  async read(bytes: number): Promise<Uint8Array | null> {
    const whole = new Uint8Array(bytes);
    let filled = 0;
    while (filled < bytes) {
      const piece = await this.#next(bytes - filled);
      if (piece === null) {
        if (filled === 0) return null;
        throw new Error("the package's tarball ends too early");
      }
      whole.set(piece, filled);
      filled += piece.length;
    }
    return whole;
  }

  async readExactly(bytes: number): Promise<Uint8Array> {
    const whole = await this.read(bytes);
    if (whole === null && bytes > 0) throw new Error("the package's tarball ends too early");
    return whole ?? new Uint8Array();
  }

  /** Takes so many bytes and writes them to the file, if one is given, which it closes. */
  async copy(bytes: number, to?: Deno.FsFile): Promise<void> {
    using _file = to;
    for (let left = bytes; left > 0;) {
      const piece = await this.#next(left);
      if (piece === null) throw new Error("the package's tarball ends too early");
      left -= piece.length;
      for (let written = 0; to !== undefined && written < piece.length;) {
        written += await to.write(piece.subarray(written));
      }
    }
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n").find((line) => line.trim() !== "")?.trim() ?? text;
}
