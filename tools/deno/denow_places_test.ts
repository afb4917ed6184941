import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { needs, PROGRAMS } from "../../testing/needs.ts";
import { PROJECT_ROOT } from "../project.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import { fakeDeno, Machine } from "./testing/machine.ts";

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
