import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { readKeyFile } from "../server/gate/key_file.ts";
import { beginClient, beginServer } from "../shared/scram.ts";
import { needs, PROGRAMS } from "../testing/needs.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { PROJECT_ROOT } from "./project.ts";

const KEY = /^agency (\d+): ([\w-]{43})$/gm;

/** Runs the task with a file of its own. */
function setUp(folder: string) {
  const file = `${folder}/agency.keys`;
  const keys = async (...args: string[]) => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", `${PROJECT_ROOT}/tools/keys.ts`, ...args],
      env: { NO_COLOR: "1", AGENCY_KEYS: file },
    }).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, out: decode(stdout), err: decode(stderr) };
  };
  /** Whether a server with the file admits who knows the key. */
  const admits = async (agency: number, key: string) => {
    const verifier = readKeyFile(file).verifiers.get(agency);
    if (verifier === undefined) return false;
    const client = beginClient({ name: String(agency), key });
    const challenge = beginServer(client.first).challenge(verifier);
    const { final } = await client.answer(challenge.message);
    return await challenge.check(final) !== undefined;
  };
  return { file, keys, admits };
}

function keysIn(text: string): Map<number, string> {
  return new Map(Array.from(text.matchAll(KEY), ([, agency, key]) => [Number(agency), key]));
}

Deno.test({
  ...needs(
    PROGRAMS,
    "keys adds, rotates, revokes and lists; each key is shown once and kept nowhere",
  ),
  async fn() {
    await using folder = tempFolder();
    const { file, keys, admits } = setUp(folder.path);
    const added = await keys("add", "3", "7-9");
    assertEquals([added.code, added.err], [0, ""]);
    const first = keysIn(added.out);
    assertEquals([...first.keys()], [3, 7, 8, 9]);
    for (const [agency, key] of first) assert(await admits(agency, key));
    assert(!await admits(3, first.get(7)!));
    assertEquals((await keys("list")).out, "agencies 3, 7-9\n");
    const text = await Deno.readTextFile(file);
    for (const key of first.values()) assert(!text.includes(key));

    const rotated = keysIn((await keys("rotate", "3")).out);
    assert(await admits(3, rotated.get(3)!) && !await admits(3, first.get(3)!));
    assert(await admits(7, first.get(7)!), "others keep theirs");
    assertEquals((await keys("revoke", "7", "9")).out, "Revoked the keys of agencies 7, 9\n");
    assertEquals((await keys("list")).out, "agencies 3, 8\n");

    const written = await keys("add", "9999", "--to", folder.path);
    assertEquals(written.out, `agency 9999: ${folder.path}/agency-9999.key\n`);
    const path = `${folder.path}/agency-9999.key`;
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o600);
    assert(await admits(9999, (await Deno.readTextFile(path)).trim()));
  },
});

Deno.test({
  ...needs(PROGRAMS, "keys changes nothing where a command is wrong, and says what to do"),
  async fn() {
    await using folder = tempFolder();
    const { file, keys } = setUp(folder.path);
    assertEquals((await keys("list")).out, "No agency has a key\n");
    await keys("add", "3");
    const before = await Deno.readTextFile(file);
    const table: [args: string[], code: number, message: string][] = [
      [["add", "4", "3"], 1, "agency 3 has a key already: rotate it"],
      [["rotate", "3", "4"], 1, "agency 4 has no key: add one"],
      [["revoke", "4"], 1, "agency 4 has no key"],
      [["add"], 2, "add needs agencies, such as 3"],
      [["list", "3"], 2, "list takes no agencies"],
      [["ad", "4"], 2, "Give one of add, rotate, revoke and list, not ad"],
      [["add", "4", "4"], 2, "An agency is named twice"],
      [["add", "10000"], 2, "10000 is not an agency from 1 to 9999"],
      [["add", "9-8"], 2, "9-8 is not an agency"],
      [["add", "4", "--file", ""], 2, "Give the file of the keys with --file"],
    ];
    for (const [args, code, message] of table) {
      const result = await keys(...args);
      assertEquals([result.code, result.out], [code, ""], args.join(" "));
      assertStringIncludes(result.err, message);
    }
    await Deno.chmod(file, 0o640);
    assertMatch((await keys("add", "4")).err, /its mode is 0640: let only its owner read it/);
    await Deno.chmod(file, 0o600);
    assertEquals(await Deno.readTextFile(file), before);
  },
});
