import { assertEquals } from "@std/assert";
import { IDENTITY_FILE } from "../../server/ledger/file/volume_files.ts";
import { needs } from "../../testing/needs.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import { dropUnusedIdentity, hasIdentity, recordedAgencies } from "./volume_identity.ts";

const IDENTITY =
  '{"id":"x","agencies":12,"winningNumber":7574,"createdAt":"2026-11-23T10:00:00Z"}\n';

Deno.test(
  needs(["write"], "recordedAgencies() reads the identity, or the record of earlier versions"),
  async () => {
    await using folder = tempFolder();
    const write = (name: string, text: string) =>
      Deno.writeTextFile(`${folder.path}/${name}`, text);
    assertEquals(await recordedAgencies(folder.path), undefined);
    await write("draw.json", '{"agencies":7}\n');
    assertEquals(await recordedAgencies(folder.path), 7);
    await write(IDENTITY_FILE, IDENTITY);
    assertEquals(await recordedAgencies(folder.path), 12);
    await write(IDENTITY_FILE, IDENTITY.slice(0, 20));
    await write("draw.json", "{");
    assertEquals(await recordedAgencies(folder.path), undefined);
    assertEquals(await hasIdentity(folder.path), true);
  },
);

Deno.test(
  needs(["write"], "dropUnusedIdentity() removes the identity of a lottery with other settings"),
  async () => {
    await using folder = tempFolder();
    await dropUnusedIdentity(folder.path, { agencies: 12, winningNumber: 7574 });
    await Deno.writeTextFile(`${folder.path}/${IDENTITY_FILE}`, IDENTITY);
    await dropUnusedIdentity(folder.path, { agencies: 12, winningNumber: 7574 });
    assertEquals(await hasIdentity(folder.path), true);
    for (
      const settings of [{ agencies: 5, winningNumber: 7574 }, { agencies: 12, winningNumber: 1 }]
    ) {
      await Deno.writeTextFile(`${folder.path}/${IDENTITY_FILE}`, IDENTITY);
      await dropUnusedIdentity(folder.path, settings);
      assertEquals(await hasIdentity(folder.path), false);
    }
  },
);
