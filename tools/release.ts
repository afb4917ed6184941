/**
 * `./denow task release`: turns what CHANGELOG.md lists as unreleased into a version: a commit, a tag, and the
 * clients of all platforms with their checksums.
 *
 * @module
 */

import { runCommand, UsageError } from "./command.ts";
import { PROJECT_ROOT, TASK, TaskError, unlessNotFound } from "./project.ts";

const USAGE =
  `Releases a version of the project: moves the unreleased entries of CHANGELOG.md under the version,
builds the clients into dist/ with dist/SHA256SUMS, commits and tags. Nothing is pushed.

Usage: ${TASK} release [--version X.Y.Z] [--target TARGET] [--dry-run]

  --version  the version; without it, the one in deno.json
  --target   platforms of the clients, as for ${TASK} compile (all)
  --dry-run  check everything, say what would happen, and change nothing
  --help     this text

Exit code: 0 when the version is released, 1 when it cannot be (nothing is changed then), 2 for a wrong argument.`;

const UNRELEASED = "## [Unreleased]";
const DIST = `${PROJECT_ROOT}/dist`;
const CLIENT_FILES = /^lottery-client-/;
const SUMS_FILE = "SHA256SUMS";

/** A release that is possible: every file as it will be. */
interface Plan {
  version: string;
  /** The date of the changelog, YYYY-MM-DD. */
  date: string;
  targets: string[];
  changelog: string;
  denoJson: string;
}

/**
 * Returns the changelog with its unreleased entries under a version.
 *
 * @param date YYYY-MM-DD
 * @throws {TaskError} If there are no unreleased entries, or the version is already there.
 */
export function releaseChangelog(
  changelog: string,
  { version, date }: { version: string; date: string },
): string {
  if (changelog.includes(`\n## [${version}]`)) {
    throw new TaskError(
      `CHANGELOG.md already has a section for ${version}: choose another version`,
    );
  }
  const [before, after] = changelog.split(`\n${UNRELEASED}\n`);
  const entries = after?.split("\n## ")[0].match(/^- /gm) ?? [];
  if (entries.length === 0) {
    throw new TaskError(
      `CHANGELOG.md has no entries under "${UNRELEASED}": write down what has changed for users`,
    );
  }
  return `${before}\n${UNRELEASED}\n\n## [${version}] - ${date}\n${after}`;
}

async function git(...args: string[]): Promise<string> {
  const output = await new Deno.Command("git", { args, cwd: PROJECT_ROOT }).output();
  const text = new TextDecoder();
  if (output.success) return text.decode(output.stdout).trimEnd();
  throw new TaskError(`git ${args[0]} failed: ${text.decode(output.stderr).trim()}`);
}

/** Checks that a release is possible, and returns what it takes. Changes nothing. */
async function plan({ version, targets }: { version?: string; targets: string[] }): Promise<Plan> {
  const dirty = await git("status", "--porcelain");
  if (dirty !== "") throw new TaskError(`Commit or remove these changes first:\n${dirty}`);
  const config = await Deno.readTextFile(`${PROJECT_ROOT}/deno.json`);
  const wanted = version ?? JSON.parse(config).version;
  if (await git("tag", "--list", `v${wanted}`) !== "") {
    throw new TaskError(`The tag v${wanted} exists already: name the next version with --version`);
  }
  const date = new Date().toISOString().slice(0, 10);
  const changelog = await Deno.readTextFile(`${PROJECT_ROOT}/CHANGELOG.md`);
  return {
    version: wanted,
    date,
    targets,
    changelog: releaseChangelog(changelog, { version: wanted, date }),
    denoJson: config.replace(/^ {2}"version": ".*"/m, `  "version": "${wanted}"`),
  };
}

function describe({ version, date, targets }: Plan): string {
  return `Would release ${version}:
  CHANGELOG.md: move the unreleased entries to ${version}, ${date}
  deno.json: version ${version}
  dist/: clients for ${targets.join(", ")}, and ${SUMS_FILE}
  git: commit both files, tag v${version}`;
}

async function carryOut({ version, targets, changelog, denoJson }: Plan): Promise<void> {
  try {
    await Deno.writeTextFile(`${PROJECT_ROOT}/CHANGELOG.md`, changelog);
    await Deno.writeTextFile(`${PROJECT_ROOT}/deno.json`, denoJson);
    // The clients carry their version, so they are built after it is set.
    await buildClients(targets);
    const files = ["CHANGELOG.md", "deno.json"];
    await git("commit", "--quiet", "--message", `release: ${version}`, "--", ...files);
  } catch (error) {
    await git("checkout", "--", "CHANGELOG.md", "deno.json");
    throw error;
  }
  await git("tag", "--annotate", "--message", `Version ${version}`, `v${version}`);
}

/** Builds the clients into an otherwise empty set of files, and writes their checksums. */
async function buildClients(targets: string[]): Promise<void> {
  for (const name of [...await clientFiles(), SUMS_FILE]) {
    await unlessNotFound(Deno.remove(`${DIST}/${name}`));
  }
  const flags = targets.flatMap((target) => ["--target", target]);
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "tools/compile.ts", ...flags],
    cwd: PROJECT_ROOT,
  }).spawn().status;
  if (!success) throw new TaskError("The clients cannot be built; nothing is released");
  const sums = (await clientFiles()).map(async (name) => `${await sha256(name)}  ${name}\n`);
  await Deno.writeTextFile(`${DIST}/${SUMS_FILE}`, (await Promise.all(sums)).join(""));
}

async function clientFiles(): Promise<string[]> {
  const entries = await unlessNotFound(Array.fromAsync(Deno.readDir(DIST))) ?? [];
  return entries.map(({ name }) => name).filter((name) => CLIENT_FILES.test(name)).sort();
}

async function sha256(name: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(`${DIST}/${name}`));
  return new Uint8Array(digest).toHex();
}

interface Flags {
  version?: string;
  target?: string[];
  "dry-run"?: boolean;
}

async function run(flags: Flags): Promise<number> {
  const { version, target: targets = ["all"] } = flags;
  if (version !== undefined && !/^\d+\.\d+\.\d+$/.test(version)) {
    throw new UsageError(`--version is "${version}": give three numbers, such as 1.2.3`);
  }
  const release = await plan({ version, targets });
  if (flags["dry-run"]) {
    console.log(describe(release));
    return 0;
  }
  await carryOut(release);
  console.log(
    `Released ${release.version}. To publish it: git push --follow-tags, and the files in dist/`,
  );
  return 0;
}

const OPTIONS = {
  version: { type: "string" },
  target: { type: "string", multiple: true },
  "dry-run": { type: "boolean" },
} as const;

if (import.meta.main) Deno.exit(await runCommand({ usage: USAGE, options: OPTIONS, run }));
