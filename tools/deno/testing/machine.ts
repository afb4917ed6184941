/**
 * A machine of its own for ./denow, in a temporary folder, for tests.
 *
 * @module
 */

import { PROJECT_ROOT } from "../../project.ts";
import { tempFolder } from "../../../testing/temp_folder.ts";

/** The commands that ./denow calls. There are no others, so that it finds only the tests' Deno. */
const COMMANDS = "cat chmod cp find grep mkdir mktemp mv readlink rm sh tail uname"
  .split(" ");

/** A machine: a project with ./denow in it, a home folder, and a folder of programs on the PATH. */
export class Machine implements AsyncDisposable {
  #temp: AsyncDisposable;
  readonly project: string;
  readonly home: string;
  readonly bin: string;

  private constructor(temp: AsyncDisposable & { path: string }, name: string) {
    this.#temp = temp;
    this.project = `${temp.path}/${name}`;
    this.home = `${temp.path}/home`;
    this.bin = `${temp.path}/bin`;
  }

  /** Makes a machine whose project has its @std packages, but no Deno. */
  static async make(name = "my project"): Promise<Machine> {
    const machine = new Machine(await tempFolder(), name);
    const { project, home, bin } = machine;
    for (const folder of [`${project}/tools/deno/vendor_types`, home, bin]) {
      await Deno.mkdir(folder, { recursive: true });
    }
    await Deno.copyFile(`${PROJECT_ROOT}/denow`, `${project}/denow`);
    await Deno.writeTextFile(`${project}/deno.json`, "{}");
    await Deno.writeTextFile(`${project}/tools/deno/vendor_std.ts`, "");
    await machine.addStd();
    for (const command of COMMANDS) {
      await Deno.symlink(await pathOf(command), `${bin}/${command}`);
    }
    return machine;
  }

  async addStd(): Promise<void> {
    await Deno.mkdir(`${this.project}/vendor/std`, { recursive: true });
    await Deno.writeTextFile(`${this.project}/vendor/std/.recipe`, "");
  }

  /** Writes a program that claims to be a Deno, and otherwise prints its path and arguments. */
  async addDeno(path: string, version: string): Promise<void> {
    await this.addProgram(path, `${fakeDeno(version)}\necho "${path}:$*"`);
  }

  async addProgram(path: string, script: string): Promise<void> {
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(path, `#!/bin/sh\n${script}\n`);
    await Deno.chmod(path, 0o755);
  }

  /** Runs ./denow, from another folder unless `cwd` names one. Returns its exit code and trimmed output. */
  async denow(
    { args = [], env = {}, program = `${this.project}/denow`, cwd = this.home }: {
      args?: string[];
      env?: Record<string, string>;
      program?: string;
      cwd?: string;
    } = {},
  ): Promise<{ code: number; out: string; err: string }> {
    const output = await new Deno.Command(program, {
      args,
      cwd,
      env: { PATH: this.bin, HOME: this.home, ...env },
      clearEnv: true,
    }).output();
    const [out, err] = [output.stdout, output.stderr].map((bytes) =>
      new TextDecoder().decode(bytes).trim()
    );
    return { code: output.code, out: out ?? "", err: err ?? "" };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#temp[Symbol.asyncDispose]();
  }
}

/** A script that claims to be a Deno. */
export const fakeDeno = (version: string) =>
  `if [ "$1" = --version ]; then echo "deno ${version} (stable, release)"; exit; fi`;

/** The script of an npm that installs a Deno. */
export const npmThatInstalls = (platform: string, version: string) => `
folder="$3/node_modules/@deno/${platform}"
mkdir -p "$folder"
printf '#!/bin/sh\\n%s\\necho "installed:$*"\\n' '${
  fakeDeno(version).replaceAll("'", "'\\''")
}' >"$folder/deno"
echo "$*" >>"$HOME/npm-calls"`;

async function pathOf(command: string): Promise<string> {
  const output = await new Deno.Command("sh", { args: ["-c", `command -v ${command}`] }).output();
  return new TextDecoder().decode(output.stdout).trim();
}
