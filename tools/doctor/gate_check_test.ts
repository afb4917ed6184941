import { assertEquals, assertStringIncludes } from "@std/assert";
import { needs } from "../../testing/needs.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import { CERTIFICATES, testAuthority } from "../../testing/tls_folder.ts";
import { AgencyKeyRing } from "../run/agency_key_ring.ts";
import { checkKeys, checkTls } from "./gate_check.ts";
import type { Finding } from "./finding.ts";

const DAY_MS = 86_400_000;

function assertFinding({ level, text }: Finding, expected: Finding["level"], part: string): void {
  assertEquals(level, expected, text);
  assertStringIncludes(text, part);
}

Deno.test({
  ...needs(CERTIFICATES, "checkTls() judges dates, names, the key and its mode"),
  async fn() {
    await using test = await testAuthority();
    const hosts = ["lottery.example", "10.1.2.3"];
    const files = await test.authority.issue({ name: "server", hosts, days: 30 });
    const other = await test.authority.issue({ name: "other", hosts });
    const name = "lottery.example";
    assertFinding(checkTls(files, name), "ok", "expires on ");
    assertFinding(checkTls(files, undefined), "ok", "expires on ");
    assertFinding(checkTls(files, "10.1.2.3"), "ok", "expires on ");
    const inDays = (days: number) => checkTls(files, name, Date.now() + days * DAY_MS);
    assertFinding(inDays(15), "ok", "expires on ");
    assertFinding(inDays(17), "warning", "in 12 days: renew it");
    assertFinding(inDays(31), "fault", "expired at");
    assertFinding(inDays(-1), "fault", "not valid before");
    assertFinding(
      checkTls(files, "server"),
      "warning",
      "it is not for server, which clients demand",
    );
    assertFinding(checkTls(files, "10.1.2.4"), "warning", "it is not for 10.1.2.4");
    assertFinding(checkTls({ ...files, keyFile: other.keyFile }, name), "fault", "KeyMismatch");
    assertFinding(checkTls({ ...files, certFile: "/missing" }, name), "fault", "cannot be read");
    if (Deno.build.os === "windows") return;
    await Deno.chmod(files.keyFile, 0o640);
    assertFinding(checkTls(files, name), "warning", "others may read its key: chmod 600");
  },
});

Deno.test({
  ...needs(["read", "write"], "checkKeys() judges the file, and names agencies without a key"),
  async fn() {
    await using folder = tempFolder();
    const path = `${folder.path}/agencies.keys`;
    assertFinding(checkKeys(path, 1), "fault", "No such file");
    await new AgencyKeyRing(path).add([1, 3]);
    assertFinding(checkKeys(path, 1), "ok", "has a key of every agency");
    assertFinding(checkKeys(path, 4), "warning", "has no key of agencies 2, 4:");
    assertFinding(
      checkKeys(path, 9999),
      "warning",
      "2, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 9987 more",
    );
    await Deno.chmod(path, 0o644);
    assertFinding(checkKeys(path, 1), "fault", "its mode is 0644");
  },
});
