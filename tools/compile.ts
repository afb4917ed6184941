/**
 * `deno task compile`: makes the client a single executable file that needs nothing else.
 *
 * @module
 */

import { runCommand, UsageError } from "./command.ts";
import { hasStandIn, STAND_IN_VERSION, standInCompiler } from "./deno/stand_in_compiler.ts";
import { PROJECT_ROOT, TASK, TaskError } from "./project.ts";
import { clientPermissions } from "./run/permissions.ts";

/** The platforms that Deno compiles for. */
export const TARGETS: readonly string[] = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
];

/** How long one platform may take, including the download of its part of Deno. */
const COMPILE_TIMEOUT_MS = 10 * 60_000;

const USAGE = `Makes the client a single executable file, dist/lottery-client-TARGET.

Usage: ${TASK} compile [--target TARGET]...

  --target   host (the default): the platform of this machine
             all: every platform below
             or one of these:
               ${TARGETS.join("\n               ")}
  --help     show this text

Deno downloads a part of itself for each platform, once. Where it cannot, only a client for Linux on x86-64
can be made, on such a machine, with the older Deno ${STAND_IN_VERSION} from npm packages.

Exit code: 0 if all clients were made, 1 if some could not be made, 2 for an invalid argument.`;

/**
 * Returns the platforms that the values of --target name.
 *
 * @throws {UsageError} If one is unknown.
 */
export function targetsOf(names: readonly string[]): string[] {
  const targets = names.flatMap((name) => {
    if (name === "all") return TARGETS;
    return name === "host" ? [Deno.build.target] : [name];
  });
  const unknown = targets.find((target) => !TARGETS.includes(target));
  if (unknown === undefined) return [...new Set(targets)];
  throw new UsageError(
    `Cannot compile for the target "${unknown}": give host, all, or one of ${TARGETS.join(", ")}`,
  );
}

/** Makes the client for a platform. Returns what was made; throws a TaskError if it cannot be. */
async function compileFor(target: string): Promise<string> {
  const path = `dist/lottery-client-${target}${target.includes("windows") ? ".exe" : ""}`;
  const failure = await runCompile({ deno: Deno.execPath(), target, path });
  if (failure === undefined) return await describe(path);
  // Deno names denort, the part that it downloads, if it cannot get it; other failures are ours.
  if (!failure.includes("denort")) throw new TaskError(failure);
  const reason = `its part of Deno ${Deno.version.deno} cannot be downloaded`;
  if (target !== Deno.build.target || !hasStandIn()) {
    throw new TaskError(`${reason}; try again on a network that reaches Deno's downloads`);
  }
  const news = `${reason}; fetching Deno ${STAND_IN_VERSION} from npm, 230 MB, once.`;
  const compiler = await standInCompiler(() => console.log(`${target}: ${news}`))
    .catch(({ message }: Error) => {
      throw new TaskError(`${reason}, nor can its substitute: ${message}`);
    });
  const standInFailure = await runCompile({ ...compiler, target, path });
  if (standInFailure !== undefined) throw new TaskError(standInFailure);
  return await describe(path, `, with Deno ${STAND_IN_VERSION}: ${reason}`);
}

async function describe(path: string, remark = ""): Promise<string> {
  const { size } = await Deno.stat(`${PROJECT_ROOT}/${path}`);
  return `made ${path} (${Math.round(size / 1e6)} MB${remark})`;
}

/** Runs `deno compile`. Returns what it printed if it failed. */
async function runCompile(
  { deno, denort, target, path }: { deno: string; denort?: string; target: string; path: string },
): Promise<string | undefined> {
  const env = { ...Deno.env.toObject(), NO_COLOR: "1" } as Record<string, string>;
  // A denort in the environment is for this machine, but Deno would use it for any target.
  if (target !== Deno.build.target) delete env.DENORT_BIN;
  if (denort !== undefined) env.DENORT_BIN = denort;
  const signal = AbortSignal.timeout(COMPILE_TIMEOUT_MS);
  // Only its user knows where --result leads.
  const permissions = [...clientPermissions(), "--allow-write"];
  const flags = ["--no-check", ...permissions, "--target", target, "--output", path];
  const { success, stderr } = await new Deno.Command(deno, {
    // `deno task ok` checks the types.
    args: ["compile", ...flags, "client/main.ts"],
    cwd: PROJECT_ROOT,
    env,
    clearEnv: true,
    stdin: "null",
    signal,
  }).output();
  if (success) return undefined;
  if (signal.aborted) return `no denort within ${COMPILE_TIMEOUT_MS / 60_000} minutes`;
  return new TextDecoder().decode(stderr).trim();
}

async function run({ target: names = ["host"] }: { target?: string[] }): Promise<number> {
  let exitCode = 0;
  for (const target of targetsOf(names)) {
    const outcome = await compileFor(target).catch((error) => {
      if (!(error instanceof TaskError)) throw error;
      exitCode = 1;
      return `not made: ${error.message}`;
    });
    console.log(`${target}: ${outcome}`);
  }
  return exitCode;
}

if (import.meta.main) {
  const options = { target: { type: "string", multiple: true } } as const;
  Deno.exit(await runCommand({ usage: USAGE, options, run }));
}
