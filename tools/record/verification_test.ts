import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { needs } from "../../testing/needs.ts";
import { casesWanted, Random } from "../../testing/random.ts";
import { archiveDraw } from "./ledger_archive.ts";
import { volumeDraws } from "./draw_sources.ts";
import { type DrawListing, listDraw, writeCertificate } from "./draws.ts";
import { drawnVolume } from "./testing/drawn_volume.ts";

/** Verifies the only draw of a volume. */
async function verify(volume: string): Promise<DrawListing> {
  const [source] = await volumeDraws(volume);
  return await listDraw(source, { volume, verifies: true });
}

/** Replaces a part of a file for the time of `work`, and puts it back. */
async function withChange<Result>(
  path: string,
  change: (content: Uint8Array<ArrayBuffer>) => Uint8Array,
  work: () => Promise<Result>,
): Promise<Result> {
  const content = await Deno.readFile(path);
  await Deno.writeFile(path, change(content.slice()));
  try {
    return await work();
  } finally {
    await Deno.writeFile(path, content);
  }
}

Deno.test({
  ...needs(["write"], "verify finds no difference in a draw that nobody has touched"),
  async fn() {
    await using volume = await drawnVolume();
    const { state, difference, bets, winners, id } = await verify(volume.path);
    assertEquals({ state, difference, id }, {
      state: "VERIFIED",
      difference: null,
      id: volume.id,
    });
    assertEquals({ bets, winners }, { bets: 180, winners: 12 });
  },
});

const LEDGER_AND_RECORD = ["bets.csv", "agencies_closed.txt", "result.json", "result.txt"];
for (const name of [...LEDGER_AND_RECORD, "audit/server1/audit-000001.log"]) {
  Deno.test({
    ...needs(["write"], `verify finds any changed byte of ${name}`),
    async fn() {
      await using volume = await drawnVolume({ bets: 30, hasAudit: true });
      const folder = name.startsWith("result") ? `/draws/${volume.id}` : "";
      const path = `${volume.path}${folder}/${name}`;
      const random = new Random(1);
      const size = (await Deno.stat(path)).size;
      const positions = size <= 200
        ? Array.from({ length: size }, (_, at) => at)
        : Array.from({ length: casesWanted(300) }, () => random.integer(0, size - 1));
      for (const at of positions) {
        const bit = 1 << random.integer(0, 7);
        const change = (content: Uint8Array) => {
          content[at] ^= bit;
          return content;
        };
        const { state, difference } = await withChange(path, change, () => verify(volume.path));
        assertEquals(state, "DIFFERENT", `byte ${at}, bit ${bit}`);
        assert(difference !== null && difference.length > 10, `byte ${at}, bit ${bit}`);
      }
      assertEquals((await verify(volume.path)).state, "VERIFIED");
    },
  });
}

Deno.test({
  ...needs(["write"], "verify reads certificates of version 1, which state no audit log"),
  async fn() {
    await using volume = await drawnVolume({ hasAudit: true });
    const path = `${volume.path}/draws/${volume.id}/result.json`;
    const text = (await Deno.readTextFile(path)).replace('"version": 2', '"version": 1')
      .replace(/ {2}"audit": \[[^\]]*\],\n/, "");
    const sealed = text.slice(0, text.lastIndexOf('  "sha256"'));
    const sha256 = createHash("sha256").update(sealed).digest("hex");
    await Deno.writeTextFile(path, `${sealed}  "sha256": "${sha256}"\n}\n`);
    assertEquals((await verify(volume.path)).difference, null);
    // Its chains are checked nevertheless, as far as they hold by themselves.
    const log = `${volume.path}/audit/server1/audit-000001.log`;
    await Deno.writeTextFile(
      log,
      (await Deno.readTextFile(log)).replace('"agency":1', '"agency":2'),
    );
    const { difference } = await verify(volume.path);
    assertStringIncludes(
      difference!,
      "audit log of server1: audit-000001.log, row 3: line 2 has changed",
    );
  },
});

/** A change of a file, and what verify says of it. */
const CHANGES: { name: string; file: string; from: string; to: string; says: string }[] = [
  {
    name: "a winner of the certificate",
    file: "result.json",
    from: '{"document":"10018","position":18}',
    to: '{"document":"10019","position":18}',
    says:
      'agency 1, bet 18 (bets.csv, line 38): result.json has the document "10019", the row has "10018"',
  },
  {
    name: "a row that no longer wins",
    file: "bets.csv",
    from: "2,José,Paz,20019,1980-01-01,7574",
    to: "2,José,Paz,20019,1980-01-01,7575",
    says: "agency 2, bet 19: result.json has it among the winners, and its row does not win",
  },
  {
    name: "a row that wins now",
    file: "bets.csv",
    from: "1,José,Paz,1003,1980-01-01,3\n",
    to: "1,José,Paz,1003,1980-01-01,7574\n",
    says: "agency 1, bet 3 (bets.csv, line 3): its row wins, and result.json does not have it",
  },
  {
    name: "a name",
    file: "bets.csv",
    from: "1,José,Paz,1003,",
    to: "1,Josu,Paz,1003,",
    says: "agency 1: one of its 60 rows",
  },
  {
    name: "a row of another agency",
    file: "bets.csv",
    from: "1,José,Paz,1003,",
    to: "2,José,Paz,1003,",
    says: "agency 1: result.json has 60 bets, bets.csv has 59",
  },
  {
    name: "a row that is none",
    file: "bets.csv",
    from: "1,José,Paz,1003,",
    to: "1;José,Paz,1003,",
    says: "bets.csv, line 3: it is not a valid bet: ",
  },
  {
    name: "an open agency",
    file: "agencies_closed.txt",
    from: "2\n",
    to: "",
    says: "agency 2: it has not closed",
  },
  {
    name: "the winning number of the lottery",
    file: "lottery.json",
    from: "7574",
    to: "7575",
    says: "winningNumber: result.json has 7574, the ledger's lottery 7575",
  },
  {
    name: "the time of the certificate",
    file: "result.json",
    from: '"drawnAt": "2',
    to: '"drawnAt": "3',
    says: "result.json: it has changed since it was written",
  },
];

for (const { name, file, from, to, says } of CHANGES) {
  Deno.test({
    ...needs(["write"], `verify names the first difference: ${name}`),
    async fn() {
      await using volume = await drawnVolume();
      const folder = file.startsWith("result") ? `/draws/${volume.id}` : "";
      const path = `${volume.path}${folder}/${file}`;
      const text = await Deno.readTextFile(path);
      assertStringIncludes(text, from);
      await Deno.writeTextFile(path, text.replace(from, to));
      const { state, difference } = await verify(volume.path);
      assertEquals(state, "DIFFERENT");
      assertStringIncludes(difference!, says);
    },
  });
}

Deno.test({
  ...needs(["write"], "verify finds what is missing: rows, a file, a text"),
  async fn() {
    await using volume = await drawnVolume();
    const bets = `${volume.path}/bets.csv`;
    const shorter = (content: Uint8Array) => content.subarray(0, content.lastIndexOf(10, -2) + 1);
    const { difference } = await withChange(bets, shorter, () => verify(volume.path));
    assertStringIncludes(difference!, "agency 3: result.json has 60 bets, bets.csv has 59");
    await Deno.remove(`${volume.path}/draws/${volume.id}/result.txt`);
    assertEquals((await verify(volume.path)).difference, "result.txt: it is missing");
  },
});

Deno.test({
  ...needs(
    ["write"],
    "verify verifies draws of the archive, with the certificate beside their files",
  ),
  async fn() {
    await using volume = await drawnVolume();
    const archived = await archiveDraw(volume.path);
    // The copy on the volume is for those who look for a draw by its id.
    assertEquals((await verify(volume.path)).state, "VERIFIED");
    await Deno.remove(`${volume.path}/draws`, { recursive: true });
    const draw = await verify(volume.path);
    assertEquals([draw.state, draw.isCurrent, draw.id], ["VERIFIED", false, volume.id]);
    const alone = await verify(`${volume.path}/${archived}`);
    assertEquals([alone.state, alone.isCurrent], ["VERIFIED", true]);
  },
});

Deno.test({
  ...needs(
    ["write"],
    "writeCertificate() writes what a server would have written, once the draw is over",
  ),
  async fn() {
    await using open = await drawnVolume({ closes: false });
    const [unfinished] = await volumeDraws(open.path);
    assertEquals(await writeCertificate(unfinished, { volume: open.path }), false);
    assertEquals((await verify(open.path)).state, "not drawn");
    await using volume = await drawnVolume();
    const path = `${volume.path}/draws/${volume.id}/result.json`;
    const { drawnAt: _, software: _1, text: _2, sha256: _3, ...written } = JSON.parse(
      await Deno.readTextFile(path),
    );
    await Deno.remove(`${volume.path}/draws`, { recursive: true });
    assertEquals((await verify(volume.path)).state, "no certificate");
    const [source] = await volumeDraws(volume.path);
    assertEquals(await writeCertificate(source, { volume: volume.path }), true);
    assertEquals(await writeCertificate(source, { volume: volume.path }), false);
    assertEquals((await verify(volume.path)).state, "VERIFIED");
    const again = JSON.parse(await Deno.readTextFile(path));
    assertEquals({ ...again, ...written }, again);
  },
});
