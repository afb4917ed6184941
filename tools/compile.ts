/**
 * `deno task compile`: makes the client a single executable file that needs nothing else on its machine.
 *
 * @module
 */

import { CLIENT_PERMISSIONS } from "./run/permissions.ts";
import { parseArgs } from "node:util";
import { TASK } from "./flags.ts";
import { PROJECT_ROOT } from "./project.ts";
import { hasStandIn, STAND_IN_VERSION, standInCompiler } from "./deno/stand_in_compiler.ts";

/** The platforms that Deno compiles for. */
export const TARGETS: readonly string[] = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
];

/** How long one platform may take, with the download of Deno's part of it. */
const COMPILE_TIMEOUT_MS = 10 * 60_000;

const USAGE = `Makes the client a single executable file, dist/lottery-client-TARGET.

Usage: ${TASK} compile [--target TARGET]

  --target   host (the default): this machine's platform
             all: every platform below
             or one of them, also several times:
               ${TARGETS.join("\n               ")}
  --help     this text

Deno downloads a part of itself for each platform, once. Where it cannot, a client for Linux on x86-64 can still be made
on such a machine, with the older Deno ${STAND_IN_VERSION} out of npm packages; the other platforms cannot.

Exit code: 0 when everything that was asked for was made, 1 when some of it was not (what could be made is there), 2 for
a wrong argument.`;

/** The outcome for one platform: where its file is, or why there is none. */
type Outcome = { path: string; remark?: string } | { reason: string };

/** Says which platforms a --target asks for. Throws a RangeError for an unknown one. */
export function targetsOf(names: readonly string[]): string[] {
  const targets = names.flatMap((name) => {
    if (name === "all") return TARGETS;
    return name === "host" ? [Deno.build.target] : [name];
  });
  for (const target of targets) {
    if (!TARGETS.includes(target)) {
      throw new RangeError(
        `Deno compiles nothing for the target "${target}": it is host, all, ${TARGETS.join(", ")}`,
      );
    }
  }
  return [...new Set(targets)];
}

async function compileFor(target: string): Promise<Outcome> {
  const path = `dist/lottery-client-${target}${target.includes("windows") ? ".exe" : ""}`;
  const own = await runCompile({ deno: Deno.execPath(), target, path });
  if (own.success) return { path };
  // Deno names denort, the part of itself that it downloads, when it cannot have it; every other failure is ours.
  if (!own.text.includes("denort")) return { reason: own.text };
  const reason = `the part of Deno ${Deno.version.deno} for it cannot be downloaded`;
  if (target !== Deno.build.target || !hasStandIn()) {
    return { reason: `${reason}; try again where the network reaches Deno's downloads` };
  }
  return await compileWithStandIn({ target, path, reason });
}

async function compileWithStandIn(
  { target, path, reason }: { target: string; path: string; reason: string },
): Promise<Outcome> {
  try {
    const compiler = await standInCompiler(() => {
      console.log(
        `${target}: ${reason}; fetching Deno ${STAND_IN_VERSION} from npm, 230 MB, once.`,
      );
    });
    const made = await runCompile({ ...compiler, target, path });
    if (!made.success) return { reason: made.text };
    return { path, remark: `with Deno ${STAND_IN_VERSION}: ${reason}` };
  } catch (error) {
    return {
      reason: `${reason}, nor its stand-in: ${error instanceof Error ? error.message : error}`,
    };
  }
}

/** Runs `deno compile`. Answers what it printed, in case it failed. */
async function runCompile(
  { deno, denort, target, path }: { deno: string; denort?: string; target: string; path: string },
): Promise<{ success: boolean; text: string }> {
  const env = Deno.env.toObject();
  // A denort that somebody set is for this machine; for another target Deno would take it all the same.
  if (target !== Deno.build.target) delete env.DENORT_BIN;
  if (denort !== undefined) env.DENORT_BIN = denort;
  const signal = AbortSignal.timeout(COMPILE_TIMEOUT_MS);
  const output = await new Deno.Command(deno, {
    // The types are checked by `deno task ok`.
    args: [
      "compile",
      "--no-check",
      ...CLIENT_PERMISSIONS,
      ...["--target", target, "--output", path, "client/main.ts"],
    ],
    cwd: PROJECT_ROOT,
    env: { ...env, NO_COLOR: "1" },
    clearEnv: true,
    stdin: "null",
    signal,
  }).output();
  const text = new TextDecoder().decode(output.stderr).trim();
  return {
    success: output.success,
    text: signal.aborted ? `no denort within ${COMPILE_TIMEOUT_MS / 60_000} minutes` : text,
  };
}

async function describe(target: string, outcome: Outcome): Promise<string> {
  if ("reason" in outcome) return `${target}: not made: ${outcome.reason}`;
  const { size } = await Deno.stat(`${PROJECT_ROOT}/${outcome.path}`);
  const remark = outcome.remark === undefined ? "" : `, ${outcome.remark}`;
  return `${target}: made ${outcome.path} (${Math.round(size / 1e6)} MB${remark})`;
}

async function main(): Promise<number> {
  let targets: string[];
  try {
    const { values } = parseArgs({
      options: {
        target: { type: "string", multiple: true, default: ["host"] },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) {
      console.log(USAGE);
      return 0;
    }
    targets = targetsOf(values.target ?? ["host"]);
  } catch (error) {
    console.error(`Cannot compile: ${error instanceof Error ? error.message : error}`);
    return 2;
  }
  let exitCode = 0;
  for (const target of targets) {
    const outcome = await compileFor(target);
    if ("reason" in outcome) exitCode = 1;
    console.log(await describe(target, outcome));
  }
  return exitCode;
}

if (import.meta.main) Deno.exit(await main());
