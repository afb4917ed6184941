import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { needs, PROGRAMS } from "../../testing/needs.ts";
import { PROJECT_ROOT } from "../project.ts";
import { tempFolder } from "../../testing/temp_folder.ts";

/** The commands that ./denow calls. There are no others, so that it finds only the tests' Deno. */
const COMMANDS = "cat chmod cp find grep mkdir mktemp mv readlink rm sh tail uname"
  .split(" ");

/** A machine: a project with ./denow in it, a home folder, and a folder of programs on the PATH. */
class Machine implements AsyncDisposable {
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

const fakeDeno = (version: string) =>
  `if [ "$1" = --version ]; then echo "deno ${version} (stable, release)"; exit; fi`;

/** The script of an npm that installs a Deno. */
const npmThatInstalls = (platform: string, version: string) => `
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

Deno.test(
  needs(PROGRAMS, "denow runs the Deno on the PATH with its arguments unchanged"),
  async () => {
    await using machine = await Machine.make();
    const deno = `${machine.bin}/deno`;
    await machine.addProgram(deno, `${fakeDeno("2.9.6")}\nprintf '[%s]' "$@"`);
    const { code, out, err } = await machine.denow({ args: ["eval", "two  words", "", "$x"] });
    assertEquals({ code, out, err }, { code: 0, out: "[eval][two  words][][$x]", err: "" });
  },
);

Deno.test(needs(PROGRAMS, "denow exits with Deno's exit code"), async () => {
  await using machine = await Machine.make();
  await machine.addProgram(`${machine.bin}/deno`, `${fakeDeno("2.7.0")}\nexit 7`);
  assertEquals((await machine.denow({ args: ["test"] })).code, 7);
});

Deno.test(
  needs(PROGRAMS, "denow prefers DENO, then the PATH, then ~/.deno, then the project's own Deno"),
  async () => {
    await using machine = await Machine.make();
    const { bin, home, project } = machine;
    const places = [`${project}/.deno/bin/deno`, `${home}/.deno/bin/deno`, `${bin}/deno`];
    for (const place of places) {
      await machine.addDeno(place, "2.8.0");
      assertEquals((await machine.denow({ args: ["x"] })).out, `${place}:x`);
    }
    const own = `${home}/own deno`;
    await machine.addDeno(own, "2.8.0");
    assertEquals((await machine.denow({ args: ["x"], env: { DENO: own } })).out, `${own}:x`);
  },
);

Deno.test(needs(PROGRAMS, "denow skips a Deno that is too old"), async (t) => {
  await using machine = await Machine.make();
  const good = `${machine.home}/.deno/bin/deno`;
  await machine.addDeno(good, "2.7.0");
  for (const version of ["1.46.3", "2.6.10", "2.0.0", "", "nonsense"]) {
    await t.step(`"${version}"`, async () => {
      await machine.addDeno(`${machine.bin}/deno`, version);
      assertEquals((await machine.denow({ args: ["x"] })).out, `${good}:x`);
    });
  }
  for (const version of ["2.7.0", "2.7.14", "2.10.1", "3.0.0", "2.8.0-rc.1"]) {
    await t.step(`runs "${version}"`, async () => {
      await machine.addDeno(`${machine.bin}/deno`, version);
      assertEquals((await machine.denow({ args: ["x"] })).out, `${machine.bin}/deno:x`);
    });
  }
});

Deno.test(needs(PROGRAMS, "denow refuses a DENO that is too old or missing"), async () => {
  await using machine = await Machine.make();
  await machine.addDeno(`${machine.bin}/deno`, "2.9.6");
  await machine.addDeno(`${machine.home}/old`, "2.3.0");
  for (const DENO of [`${machine.home}/old`, `${machine.home}/nowhere`]) {
    const { code, out, err } = await machine.denow({ env: { DENO } });
    assertEquals({ code, out }, { code: 1, out: "" });
    assertStringIncludes(err, `DENO is ${DENO}`);
  }
});

Deno.test(needs(PROGRAMS, "denow installs Deno with its installer if there is none"), async () => {
  await using machine = await Machine.make();
  const wanted = /^DENO_PINNED=(.+)$/m.exec(await Deno.readTextFile(`${PROJECT_ROOT}/denow`))?.[1];
  const installer = `[ "$1" = v${wanted} ] && mkdir -p "$DENO_INSTALL/bin" &&
    printf '#!/bin/sh\\necho "deno 2.9.6"' >"$DENO_INSTALL/bin/deno" && chmod +x "$DENO_INSTALL/bin/deno"`;
  await machine.addProgram(`${machine.bin}/curl`, `cat <<'END'\n${installer}\nEND`);
  const first = await machine.denow({ args: ["x"] });
  assertEquals(first.out, "deno 2.9.6");
  assertEquals(first.err.split("\n").length, 1, "reports the installation in one line");
  assertEquals(await machine.denow({ args: ["x"] }), { code: 0, out: "deno 2.9.6", err: "" });
});

Deno.test(
  needs(PROGRAMS, "denow installs Deno from npm if the installer cannot be reached"),
  async () => {
    await using machine = await Machine.make();
    await machine.addProgram(`${machine.bin}/curl`, "exit 6");
    await machine.addProgram(`${machine.bin}/npm`, npmThatInstalls("some-platform", "2.9.6"));
    const { code, out } = await machine.denow({ args: ["a", "b"] });
    assertEquals({ code, out }, { code: 0, out: "installed:a b" });
    const names = await Array.fromAsync(
      Deno.readDir(`${machine.project}/.deno`),
      ({ name }) => name,
    );
    assertEquals(names, ["bin"]);
  },
);

Deno.test(needs(PROGRAMS, "denow installs Deno when it runs many times at once"), async () => {
  await using machine = await Machine.make();
  await machine.addProgram(`${machine.bin}/npm`, npmThatInstalls("some-platform", "2.9.6"));
  const results = await Promise.all(
    Array.from({ length: 6 }, () => machine.denow({ args: ["x"] })),
  );
  for (const { code, out } of results) assertEquals({ code, out }, { code: 0, out: "installed:x" });
});

Deno.test(needs(PROGRAMS, "denow reports what to do when Deno cannot be installed"), async () => {
  await using machine = await Machine.make();
  await machine.addProgram(`${machine.bin}/curl`, "echo curl: no such host >&2; exit 6");
  await machine.addProgram(`${machine.bin}/npm`, "echo npm error network down >&2; exit 1");
  const { code, out, err } = await machine.denow();
  assertEquals({ code, out }, { code: 1, out: "" });
  assertStringIncludes(err, "curl: no such host");
  assertStringIncludes(err, "npm error network down");
  assertStringIncludes(err, "install Deno 2.7 or later by hand");
  assertEquals((await machine.denow()).code, 1, "and leaves nothing that looks like a Deno");
});

Deno.test(needs(PROGRAMS, "denow reports a machine for which npm has no Deno"), async () => {
  await using machine = await Machine.make();
  await machine.addProgram(`${machine.bin}/npm`, "exit 0");
  const { code, err } = await machine.denow();
  assertEquals(code, 1);
  assertStringIncludes(err, "npm has no Deno for this kind of machine");
});

Deno.test(
  needs(PROGRAMS, "denow provides std once, and again when its recipe changes"),
  async () => {
    await using machine = await Machine.make();
    const { project, home } = machine;
    const deno = `${fakeDeno("2.9.6")}
    case "$*" in *vendor_std.ts*) echo called >>"${home}/calls"; echo "$*" >"${home}/args";
      mkdir -p "${project}/vendor/std"; echo >"${project}/vendor/std/.recipe";; esac`;
    await machine.addProgram(`${machine.bin}/deno`, deno);
    const calls = async () => (await Deno.readTextFile(`${home}/calls`)).split("\n").length - 1;

    await Deno.remove(`${project}/vendor`, { recursive: true });
    await machine.denow();
    assertEquals(await calls(), 1);
    assertStringIncludes(
      await Deno.readTextFile(`${home}/args`),
      `${project}/tools/deno/vendor_std.ts --unless-jsr`,
    );
    await machine.denow();
    assertEquals(await calls(), 1);

    const later = new Date(Date.now() + 60_000);
    await Deno.utime(`${project}/tools/deno/vendor_std.ts`, later, later);
    await machine.denow();
    assertEquals(await calls(), 2);
  },
);

Deno.test(needs(PROGRAMS, "denow does not ask JSR again after it has answered"), async () => {
  await using machine = await Machine.make();
  await machine.addDeno(`${machine.bin}/deno`, "2.9.6");
  await Deno.remove(`${machine.project}/vendor`, { recursive: true });
  await Deno.mkdir(`${machine.project}/.deno`);
  await Deno.writeTextFile(`${machine.project}/.deno/std-from-jsr`, "");
  assertEquals((await machine.denow({ args: ["x"] })).out, `${machine.bin}/deno:x`);
});

Deno.test(needs(PROGRAMS, "denow fails when std cannot be provided"), async () => {
  await using machine = await Machine.make();
  const deno = `${fakeDeno("2.9.6")}\ncase "$*" in *vendor_std.ts*) exit 1;; esac\necho ran`;
  await machine.addProgram(`${machine.bin}/deno`, deno);
  await Deno.remove(`${machine.project}/vendor`, { recursive: true });
  const { code, out } = await machine.denow({ args: ["x"] });
  assert(code !== 0);
  assertEquals(out, "");
});

/** Names of folders that a file system allows and that shells, Deno or URLs could read as something else. */
const AWKWARD_NAMES = [
  "-e",
  "a, b",
  "$HOME",
  "`x`",
  "'\"",
  "%20#?",
  "*{x}",
  "ñ",
  "a\nb",
  "end\n",
  " x ",
];

Deno.test(needs(PROGRAMS, "denow finds its project whatever the name of the folder"), async (t) => {
  for (const name of AWKWARD_NAMES) {
    await t.step(JSON.stringify(name), async () => {
      await using machine = await Machine.make(name);
      const { project } = machine;
      // The project's own Deno: it is found only if the project is.
      await machine.addProgram(
        `${project}/.deno/bin/deno`,
        `${fakeDeno("2.9.6")}\nprintf '[%s]' "$@"`,
      );
      const expected = { code: 0, out: "[x]", err: "" };
      assertEquals(await machine.denow({ args: ["x"] }), expected);
      const inside = { args: ["denow", "x"], program: "/bin/sh", cwd: project };
      assertEquals(await machine.denow(inside), expected, "by its bare name");
      const above = {
        args: ["--", `${name}/denow`, "x"],
        program: "/bin/sh",
        cwd: `${project}/..`,
      };
      assertEquals(await machine.denow(above), expected, "by a relative path");
    });
  }
});

Deno.test(
  needs(PROGRAMS, "denow follows symbolic links, and installs nothing beside them"),
  async () => {
    await using machine = await Machine.make();
    const { project, home } = machine;
    await machine.addDeno(`${project}/.deno/bin/deno`, "2.9.6");
    await Deno.mkdir(`${home}/bin`);
    await Deno.symlink(`${project}/denow`, `${home}/absolute`);
    await Deno.symlink("../absolute", `${home}/bin/relative -> x`);
    await Deno.symlink("relative -> x", `${home}/bin/same folder`);
    await Deno.symlink(project, `${home}/-link`);
    const links = ["absolute", "bin/relative -> x", "bin/same folder", "-link/denow"];
    for (const link of links) {
      const result = await machine.denow({ args: ["x"], program: `${home}/${link}` });
      assertEquals(result, { code: 0, out: `${project}/.deno/bin/deno:x`, err: "" }, link);
    }
    const byName = await machine.denow({
      args: ["x"],
      program: "same folder",
      cwd: home,
      env: { PATH: `${machine.bin}:${home}/bin` },
    });
    assertEquals(byName.out, `${project}/.deno/bin/deno:x`, "found on the PATH");
    const names = await Array.fromAsync(Deno.readDir(home), ({ name }) => name);
    assertEquals(names.sort(), ["-link", "absolute", "bin"]);
  },
);

Deno.test(needs(PROGRAMS, "denow runs this project's tasks from any folder"), async () => {
  await using machine = await Machine.make();
  const { bin, project, home } = machine;
  await machine.addProgram(`${bin}/deno`, `${fakeDeno("2.9.6")}\nprintf '[%s]' "$@"`);
  const args = ["task", "up", "--local"];
  const config = `[--config][${project}/deno.json]`;
  assertEquals((await machine.denow({ args })).out, `[task]${config}[up][--local]`);
  for (const cwd of [project, `${project}/tools`]) {
    assertEquals((await machine.denow({ args, cwd })).out, "[task][up][--local]");
  }
  await Deno.mkdir(`${project} 2`);
  assertEquals(
    (await machine.denow({ args, cwd: `${project} 2` })).out,
    `[task]${config}[up][--local]`,
  );
  assertEquals((await machine.denow({ args: ["run", "task"], cwd: home })).out, "[run][task]");
});

Deno.test(needs(PROGRAMS, "denow says which paths Deno cannot work with"), async () => {
  for (const name of ["a[b]", "a]", "back\\slash"]) {
    await using machine = await Machine.make(name);
    await machine.addDeno(`${machine.bin}/deno`, "2.9.6");
    const { code, out, err } = await machine.denow({ args: ["x"] });
    assertEquals([code, out], [1, ""]);
    assertStringIncludes(err, "move the project");
    // With the packages of JSR, Deno finds them.
    await Deno.remove(`${machine.project}/vendor`, { recursive: true });
    await Deno.mkdir(`${machine.project}/.deno`);
    await Deno.writeTextFile(`${machine.project}/.deno/std-from-jsr`, "");
    assertEquals((await machine.denow({ args: ["x"] })).code, 0);
  }
  await using machine = await Machine.make();
  await machine.addDeno(`${machine.bin}/deno`, "2.9.6");
  const parent = machine.project.replace("/my project", "");
  await new Deno.Command("sh", {
    args: [
      "-c",
      `mv "$1/my project" "$1/$(printf 'bad\\377')"; ln -s "$1"/bad*/denow "$1/link"`,
      "sh",
      parent,
    ],
  }).output();
  const deno = `${fakeDeno("2.9.6")}\nif [ "$1" = eval ]; then exit 1; fi\necho ran`;
  await machine.addProgram(`${machine.bin}/deno`, deno);
  const { code, out, err } = await machine.denow({ args: ["x"], program: `${parent}/link` });
  assertEquals([code, out], [1, ""]);
  assertStringIncludes(err, "is not UTF-8");
});

/** Git, for a checkout as a person makes it. */
const GIT = {
  description: "git",
  isPresent: () => {
    try {
      return new Deno.Command("git", { args: ["--version"] }).outputSync().success;
    } catch {
      return false;
    }
  },
};

Deno.test(
  needs([...PROGRAMS, GIT], "a checkout with core.autocrlf has no CR"),
  async () => {
    await using folder = await tempFolder();
    const git = async (...args: string[]) => {
      const { success, stderr } = await new Deno.Command("git", {
        args: ["-c", "user.name=x", "-c", "user.email=x@localhost", ...args],
        cwd: folder.path,
      }).output();
      assert(success, new TextDecoder().decode(stderr));
    };
    const names = [".gitattributes", "denow", "deno.json", "server/config.ini", ".env.example"];
    await Deno.mkdir(`${folder.path}/from/server`, { recursive: true });
    for (const name of names) {
      await Deno.copyFile(`${PROJECT_ROOT}/${name}`, `${folder.path}/from/${name}`);
    }
    await git("init", "--quiet", "from");
    await git("-C", "from", "add", ".");
    await git("-C", "from", "commit", "--quiet", "--message", "all");
    await git("clone", "--quiet", "--config", "core.autocrlf=true", "from", "to");
    for (const name of names) {
      const text = await Deno.readTextFile(`${folder.path}/to/${name}`);
      assertEquals(text.includes("\r"), false, name);
    }
  },
);
