import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { PROJECT_ROOT, TaskError } from "./project.ts";
import { releaseChangelog } from "./release.ts";
import { needs, PROGRAMS } from "../testing/needs.ts";
import { type TempFolder, tempFolder } from "../testing/temp_folder.ts";

const CHANGELOG = `# Changelog

## [Unreleased]

### Added

- Something new.

## [0.1.0] - 2026-01-31

- The first version.
`;
/** Stands in for the real compiler: makes a client that holds its version, unless its target is "broken". */
const COMPILE = `
if (Deno.args.includes("broken")) Deno.exit(1);
await Deno.mkdir("dist", { recursive: true });
await Deno.writeTextFile("dist/lottery-client-" + Deno.args[1], await Deno.readTextFile("deno.json"));
`;
/** What the task consists of. */
const MODULES = ["tools/release.ts", "tools/command.ts", "tools/project.ts"];
const GIT_ENV = {
  GIT_AUTHOR_NAME: "Ana",
  GIT_AUTHOR_EMAIL: "ana@example.org",
  GIT_COMMITTER_NAME: "Ana",
  GIT_COMMITTER_EMAIL: "ana@example.org",
  GIT_CONFIG_GLOBAL: "/dev/null",
};

/** A scratch repository with the task in it: nothing of the real one is touched. */
class ScratchRepository implements AsyncDisposable {
  readonly #folder: TempFolder;

  private constructor(folder: TempFolder) {
    this.#folder = folder;
  }

  static async make(): Promise<ScratchRepository> {
    const scratch = new ScratchRepository(await tempFolder());
    await scratch.write("deno.json", `{\n  "version": "0.2.0"\n}\n`);
    await scratch.write("CHANGELOG.md", CHANGELOG);
    await scratch.write(".gitignore", "/dist/\n");
    await Deno.mkdir(`${scratch.#folder.path}/tools`);
    await scratch.write("tools/compile.ts", COMPILE);
    for (const path of MODULES) {
      await scratch.write(path, await Deno.readTextFile(`${PROJECT_ROOT}/${path}`));
    }
    await scratch.copyShared();
    await scratch.git("init", "--quiet");
    await scratch.git("add", ".");
    await scratch.git("commit", "--quiet", "--message", "start");
    return scratch;
  }

  async copyShared(): Promise<void> {
    await Deno.mkdir(`${this.#folder.path}/shared`);
    for await (const { name, isFile } of Deno.readDir(`${PROJECT_ROOT}/shared`)) {
      if (!isFile || /_(test|bench)\.ts$/.test(name)) continue;
      await this.write(`shared/${name}`, await Deno.readTextFile(`${PROJECT_ROOT}/shared/${name}`));
    }
  }

  read(path: string): Promise<string> {
    return Deno.readTextFile(`${this.#folder.path}/${path}`);
  }

  write(path: string, text: string): Promise<void> {
    return Deno.writeTextFile(`${this.#folder.path}/${path}`, text);
  }

  async git(...args: string[]): Promise<string> {
    const { code, text } = await this.#run("git", args);
    assertEquals(code, 0, text);
    return text.trim();
  }

  /** Runs the task; returns its exit code and all that it printed. */
  release(...args: string[]): Promise<{ code: number; text: string }> {
    return this.#run(Deno.execPath(), ["run", "--quiet", "-A", "tools/release.ts", ...args]);
  }

  async #run(command: string, args: string[]): Promise<{ code: number; text: string }> {
    const { code, stdout, stderr } = await new Deno.Command(command, {
      args,
      cwd: this.#folder.path,
      env: { ...GIT_ENV, NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]();
  }
}

Deno.test("releaseChangelog() moves the unreleased entries under the version", () => {
  const released = releaseChangelog(CHANGELOG, { version: "0.2.0", date: "2026-02-28" });
  assertStringIncludes(
    released,
    "## [Unreleased]\n\n## [0.2.0] - 2026-02-28\n\n### Added\n\n- Something new.\n\n## [0.1.0]",
  );
});

Deno.test("releaseChangelog() refuses a changelog without unreleased entries, and a version that is there", () => {
  const release = { version: "0.2.0", date: "2026-02-28" };
  for (const changelog of ["", "# Changelog\n", CHANGELOG.replace("- Something new.\n", "")]) {
    assertThrows(() => releaseChangelog(changelog, release), TaskError, "has no entries");
  }
  assertThrows(
    () => releaseChangelog(CHANGELOG, { ...release, version: "0.1.0" }),
    TaskError,
    "already has a section for 0.1.0",
  );
});

Deno.test("the changelog of the project can be released", async () => {
  const { version } = JSON.parse(await Deno.readTextFile(`${PROJECT_ROOT}/deno.json`));
  const changelog = await Deno.readTextFile(`${PROJECT_ROOT}/CHANGELOG.md`);
  assertStringIncludes(changelog, "\n## [Unreleased]\n");
  const versions = Array.from(
    changelog.matchAll(/^## \[(\d.*)\] - \d{4}-\d\d-\d\d$/gm),
    (m) => m[1],
  );
  assert(versions.length >= 2);
  assert(versions[0] === version || !versions.includes(version), `${version} is an old version`);
});

Deno.test({
  ...needs(PROGRAMS, "release commits, tags and builds clients with their version and checksums"),
  async fn() {
    await using scratch = await ScratchRepository.make();
    const { code, text } = await scratch.release("--version", "0.3.0", "--target", "host");
    assertEquals(code, 0, text);
    assertStringIncludes(await scratch.read("CHANGELOG.md"), "\n## [0.3.0] - ");
    assertEquals(JSON.parse(await scratch.read("dist/lottery-client-host")).version, "0.3.0");
    const sums = await scratch.read("dist/SHA256SUMS");
    const bytes = new TextEncoder().encode(await scratch.read("dist/lottery-client-host"));
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
    assertEquals(sums, `${hash}  lottery-client-host\n`);
    assertEquals(await scratch.git("status", "--porcelain"), "");
    assertEquals(await scratch.git("log", "-1", "--format=%s"), "release: 0.3.0");
    assertEquals(await scratch.git("describe"), "v0.3.0");
    const again = await scratch.release("--version", "0.3.0");
    assertEquals(again.code, 1);
    assertStringIncludes(again.text, "tag v0.3.0 exists already");
  },
});

Deno.test({
  ...needs(
    PROGRAMS,
    "release changes nothing with --dry-run, in a dirty tree or when the build fails",
  ),
  async fn() {
    await using scratch = await ScratchRepository.make();
    const dry = await scratch.release("--dry-run");
    assertEquals(dry.code, 0, dry.text);
    assertStringIncludes(dry.text, "Would release 0.2.0");
    const failed = await scratch.release("--target", "broken");
    assertEquals(failed.code, 1, failed.text);
    assertStringIncludes(failed.text, "nothing is released");
    const wrong = await scratch.release("--version", "next");
    assertEquals(wrong.code, 2, wrong.text);
    assertEquals(await scratch.git("status", "--porcelain"), "");
    await scratch.write("left behind.txt", "");
    const dirty = await scratch.release();
    assertEquals(dirty.code, 1, dirty.text);
    assertStringIncludes(dirty.text, "left behind.txt");
    assertEquals(await scratch.git("tag"), "");
    assertEquals(await scratch.git("rev-list", "--count", "HEAD"), "1");
  },
});
