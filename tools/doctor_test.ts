import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { SCRATCH_PREFIX } from "./doctor/scratch.ts";
import { needs, PROGRAMS } from "../testing/needs.ts";
import { tempFolder } from "../testing/temp_folder.ts";

const DOCTOR = new URL("doctor.ts", import.meta.url).href;

function doctor(args: string[], env: Record<string, string> = {}): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", DOCTOR, ...args],
    env: { NO_COLOR: "1", UDP_BROADCAST_PORT: "0", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

async function run(args: string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await doctor(args, env).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: decode(stdout), err: decode(stderr) };
}

async function namesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
}

Deno.test({
  ...needs(PROGRAMS, "doctor prints a line for each check, and leaves no files"),
  fn: async () => {
    await using folder = await tempFolder();
    const { out, err } = await run(["--volume", folder.path]);
    for (const line of out.trimEnd().split("\n")) {
      assertMatch(line, /^(ok|warning|fault|note) +[a-z ]{10} {2}\S/);
    }
    for (
      const name of [
        "deno",
        "processor",
        "docker",
        "subnet",
        "open files",
        "broadcast",
        "disk",
        "space",
      ]
    ) {
      assertMatch(out, new RegExp(`^\\w+ +${name} `, "m"), err);
    }
    assertMatch(out, /^ok +lock +flock excludes other processes/m);
    assertMatch(out, /^ok +volume /m);
    assertMatch(out, /fdatasync .*p50.*p99/);
    assertEquals(await namesIn(folder.path), []);
  },
});

Deno.test({
  ...needs(PROGRAMS, "doctor checks the nearest folder above a volume that does not exist yet"),
  fn: async () => {
    await using folder = await tempFolder();
    const { out } = await run(["--volume", `${folder.path}/a/volume/`]);
    assertStringIncludes(out, `does not exist yet: checked ${folder.path} instead`);
    assertMatch(out, /^ok +lock /m);
    assertEquals(await namesIn(folder.path), []);
  },
});

Deno.test({
  ...needs(
    PROGRAMS,
    "doctor exits with 1 if there is a fault, and continues with the other checks",
  ),
  fn: async () => {
    await using folder = await tempFolder();
    await Deno.writeTextFile(`${folder.path}/file`, "");
    const noFolder = await run(["--volume", `${folder.path}/file`]);
    assertEquals(noFolder.code, 1);
    assertMatch(noFolder.out, /^fault +volume .*is not a folder/m);
    assertMatch(noFolder.out, /^ok +open files /m);
    const noSettings = await run(["--volume", folder.path], { SERVER_MAX_CONNECTIONS: "many" });
    assertEquals(noSettings.code, 1);
    assertMatch(noSettings.out, /^fault +server .*SERVER_MAX_CONNECTIONS is "many"/m);
    assertMatch(noSettings.out, /^ok +lock /m);
    const tooMany = await run(["--volume", folder.path], {
      SERVER_MAX_CONNECTIONS: "65535",
      SERVER_MAX_WAITING: "65535",
    });
    assertMatch(tooMany.out, /open files .*a server needs 262236/);
  },
});

Deno.test({
  ...needs(PROGRAMS, "doctor warns where vector instructions are not available"),
  fn: async () => {
    await using folder = await tempFolder();
    const { out } = await run(["--volume", folder.path], { DENO_V8_FLAGS: "--jitless" });
    assertMatch(out, /^warning +processor .*slower/m);
    assertMatch(out, /^ok +lock /m);
  },
});

Deno.test({
  ...needs(PROGRAMS, "doctor removes its scratch folder when it is stopped"),
  fn: async () => {
    await using folder = await tempFolder();
    using watcher = Deno.watchFs(folder.path);
    const child = doctor(["--volume", folder.path]).spawn();
    for await (const { paths } of watcher) {
      if (paths.some((path) => path.includes(SCRATCH_PREFIX))) break;
    }
    child.kill("SIGTERM");
    await child.output();
    assertEquals(await namesIn(folder.path), []);
  },
});

Deno.test({
  ...needs(PROGRAMS, "doctor exits with 2 for a wrong argument, and explains its usage"),
  fn: async () => {
    for (const args of [["--volume", ""], ["--color"], ["here"]]) {
      const { code, out, err } = await run(args);
      assertEquals([code, out], [2, ""]);
      assert(err.length > 10);
    }
    const { code, out } = await run(["--help"]);
    assertEquals(code, 0);
    assertStringIncludes(out, "Exit code");
  },
});
