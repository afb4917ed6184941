import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { needs, PROGRAMS } from "../../testing/needs.ts";
import { PROJECT_ROOT } from "../project.ts";
import { fakeDeno, Machine, npmThatInstalls } from "./testing/machine.ts";

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
