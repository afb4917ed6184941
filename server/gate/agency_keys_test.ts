import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { makeVerifier, toBase64 } from "../../shared/scram.ts";
import { needs } from "../../testing/needs.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import { formatAgencyKeys, noKeys, parseAgencyKeys, verifierOf } from "./agency_keys.ts";
import { readKeyFile, writeKeyFile } from "./key_file.ts";

const bytes = (count: number) => toBase64(new Uint8Array(count));
const SECRET = `secret:${bytes(32)}\n`;
const VALID = `SCRAM-SHA-256$4096:${bytes(16)}$${bytes(32)}:${bytes(32)}`;

async function keysOf(...agencies: number[]) {
  const entries = agencies.map(async (agency) => [agency, await makeVerifier("key")] as const);
  return { ...noKeys(), verifiers: new Map(await Promise.all(entries)) };
}

Deno.test("parseAgencyKeys() returns what formatAgencyKeys() was given", async () => {
  const keys = await keysOf(9999, 1, 30);
  assertEquals(parseAgencyKeys(formatAgencyKeys(keys)), keys);
  const text = formatAgencyKeys(keys);
  assertEquals(text.match(/^\d+(?=:)/gm), ["1", "30", "9999"]);
  assertEquals(parseAgencyKeys(text.replaceAll("\n", "\r\n\r\n")), keys);
});

Deno.test("parseAgencyKeys() names the line that is invalid, and quotes nothing of it", () => {
  const table: [text: string, message: string][] = [
    ["", "it has no line that begins with secret:"],
    ["secret:AAAA\n", "line 1 has no secret of 32 bytes"],
    [SECRET + SECRET, "line 2 has a second secret"],
    [`${SECRET}# 1\n0:${VALID}`, "line 3 begins with no agency's number"],
    [`${SECRET}10000:${VALID}`, "line 2 begins with no agency's number"],
    [`${SECRET}01:${VALID}`, "line 2 begins with no agency's number"],
    [`${SECRET}hunter2`, "line 2 begins with no agency's number"],
    [`${SECRET}1:${VALID}\n1:${VALID}`, "line 3 has a second key of agency 1"],
    [`${SECRET}1:hunter2`, "line 2 has no SCRAM-SHA-256"],
    [SECRET + `1:${VALID}`.replace("4096", "4095"), "line 2 has no SCRAM-SHA-256"],
    [SECRET + `1:${VALID}`.replace(bytes(16), bytes(7)), "line 2 has no SCRAM-SHA-256"],
    [SECRET + `1:${VALID.slice(0, -4)}`, "line 2 has no SCRAM-SHA-256"],
  ];
  for (const [text, message] of table) {
    const error = assertThrows(() => parseAgencyKeys(text), Error, message);
    assert(!error.message.includes("hunter2"));
  }
});

Deno.test("verifierOf() makes up a challenge for unknown agencies, always the same one", async () => {
  const keys = await keysOf(3);
  const known = await verifierOf(keys, "3");
  assertEquals(known, { agency: 3, verifier: keys.verifiers.get(3)! });
  for (const name of ["4", "03", "3 ", "x"]) {
    const [one, other] = [await verifierOf(keys, name), await verifierOf(keys, name)];
    assertEquals([one.agency, one], [undefined, other], name);
    const { salt, iterations } = one.verifier;
    assertEquals([salt.length, iterations], [16, known.verifier.iterations]);
    assertNotEquals(one, await verifierOf({ ...keys, secret: noKeys().secret }, name));
  }
});

Deno.test({
  ...needs(["write", "read"], "readKeyFile() reads what writeKeyFile() wrote, for its owner alone"),
  async fn() {
    await using folder = tempFolder();
    const path = `${folder.path}/agency.keys`;
    const keys = await keysOf(1, 2);
    // What an interrupted write has left.
    await Deno.writeTextFile(`${path}.new`, "x", { mode: 0o644 });
    for (let time = 0; time < 2; time++) writeKeyFile(path, keys);
    assertEquals(readKeyFile(path), keys);
    assertEquals([...Deno.readDirSync(folder.path)].map(({ name }) => name), ["agency.keys"]);
    if (Deno.build.os === "windows") return;
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o600);
    for (const mode of [0o640, 0o604, 0o620, 0o610]) {
      await Deno.chmod(path, mode);
      assertThrows(() => readKeyFile(path), Error, `its mode is 0${mode.toString(8)}: let only`);
    }
  },
});
