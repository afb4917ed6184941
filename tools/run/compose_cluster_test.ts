import { assertEquals } from "@std/assert";
import { needs } from "../../testing/needs.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import { unreadableBy } from "./compose_cluster.ts";

Deno.test({
  ...needs(["write"], "unreadableBy() finds what another user, or a group, may not read"),
  async fn() {
    await using folder = tempFolder();
    const path = `${folder.path}/agency-1.csv`;
    await Deno.writeTextFile(path, "");
    const { uid, gid } = await Deno.stat(path);
    const [owner, group, others] = [
      { uid: uid ?? 0, gid: -1 },
      { uid: -1, gid: gid ?? 0 },
      { uid: -1, gid: -1 },
    ];
    const readers = async (modes: [file: number, folder: number]) => {
      await Deno.chmod(path, modes[0]);
      await Deno.chmod(folder.path, modes[1]);
      const found = [];
      for (const who of [owner, group, others]) {
        found.push((await unreadableBy(who, [folder.path, path])).length === 0);
      }
      return found;
    };
    assertEquals(await readers([0o600, 0o755]), [true, false, false]);
    assertEquals(await readers([0o640, 0o750]), [true, true, false]);
    assertEquals(await readers([0o644, 0o711]), [true, true, true]);
    assertEquals(await readers([0o644, 0o700]), [true, false, false]);
  },
});
