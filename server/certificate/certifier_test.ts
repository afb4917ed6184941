import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { setImmediate } from "node:timers";
import { needs } from "../../testing/needs.ts";
import { type TempFolder, tempFolder } from "../../testing/temp_folder.ts";
import { FolderDisk } from "../ledger/disk.ts";
import type { FileLedger } from "../ledger/file/file_ledger.ts";
import { BETS_FILE, CLOSED_FILE } from "../ledger/file/volume_files.ts";
import { AGENCIES, batchOf, keepLog, openLedger } from "../testing/ledgers.ts";
import { Certifier, type CertifierOptions } from "./certifier.ts";

const NOON = Date.parse("2026-11-27T12:00:00Z");

/** Sha-256 of a text, in hexadecimal. */
async function sha256(text: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** A volume on which every agency has closed: agency 1 has three bets, agency 2 has two, the others have none. */
async function drawnVolume(): Promise<TempFolder & { ledger: FileLedger }> {
  const folder = tempFolder();
  const { ledger } = await openLedger(new FolderDisk(folder.path));
  const bet = (document: string, number: number) => `Ana, B;Paz;${document};1980-01-01;${number}`;
  const batches = [
    `StoreBatch:1;${bet("one", 7574)}:${bet("two", 574)}`,
    `StoreBatch:2;${bet("three", 757)}:${bet('fo"ur, 4', 7574)}`,
    `StoreBatch:1;${bet("five", 7574)}`,
  ];
  for (const batch of batches) {
    assertEquals((await ledger.append(batchOf(batch))).status, "stored");
  }
  for (let agency = 1; agency <= AGENCIES; agency++) await ledger.close(agency);
  return { path: folder.path, ledger, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

/** Starts a certifier of a server. */
async function certifierOf(
  { path: volume, ledger }: { path: string; ledger: FileLedger },
  changes: Partial<CertifierOptions> = {},
) {
  const { log, lines } = keepLog();
  const files = { bets: BETS_FILE, closed: CLOSED_FILE };
  const { identity } = ledger;
  const options = { volume, identity, files, software: "1.2.3", log, wallClock: () => NOON };
  const draw = await ledger.draw();
  assert(draw !== undefined);
  return { certifier: new Certifier({ ...options, ...changes }), draw, lines };
}

async function resultsOf(volume: string, id: string): Promise<[json: string, text: string]> {
  const folder = `${volume}/draws/${id}`;
  return [
    await Deno.readTextFile(`${folder}/result.json`),
    await Deno.readTextFile(`${folder}/result.txt`),
  ];
}

Deno.test({
  ...needs(["write"], "Certifier.certify() states counts, digests, winners and files"),
  async fn() {
    await using volume = await drawnVolume();
    const { ledger } = volume;
    const { certifier, draw, lines } = await certifierOf(volume);
    certifier.certify(draw);
    await certifier.done();
    const { id, createdAt } = ledger.identity;
    const [json, text] = await resultsOf(volume.path, id);
    const certificate = JSON.parse(json);
    const digests = await Promise.all([1, 2, 3, 4, 5].map((agency) => ledger.digest(agency)));
    const winners = [
      [{ document: "one", position: 1 }, { document: "five", position: 3 }],
      [{ document: 'fo"ur, 4', position: 2 }],
      [],
      [],
      [],
    ];
    assertEquals(
      certificate.agencies,
      digests.map((digest, index) => {
        assert(digest.status === "known");
        const { bets, sha256 } = digest;
        return { agency: index + 1, bets, sha256, winners: winners[index] };
      }),
    );
    assertEquals(certificate.totals, { bets: 5, winners: 3 });
    const files = [BETS_FILE, CLOSED_FILE].map(async (name) => {
      const content = await Deno.readFile(`${volume.path}/${name}`);
      return { name, bytes: content.length, sha256: await sha256(content) };
    });
    assertEquals(certificate.files, await Promise.all(files));
    const drawnAt = "2026-11-27T12:00:00.000Z";
    const { version, software, winningNumber, ledger: engine } = certificate;
    assertEquals({ version, software, winningNumber, engine }, {
      version: 2,
      software: "1.2.3",
      winningNumber: 7574,
      engine: "files",
    });
    assertEquals([certificate.id, certificate.createdAt, certificate.drawnAt], [
      id,
      createdAt,
      drawnAt,
    ]);
    assertEquals(certificate.text, {
      name: "result.txt",
      bytes: new TextEncoder().encode(text).length,
      sha256: await sha256(text),
    });
    assertEquals(certificate.sha256, await sha256(json.slice(0, json.lastIndexOf('  "sha256"'))));
    assertStringIncludes(text, `Draw ${id}\n`);
    assertStringIncludes(text, "Agency 2: 2 bets, 1 winners\n");
    assertStringIncludes(text, '  bet 2: document fo\\"ur, 4\n');
    assertEquals(lines.length, 1);
    assertMatch(lines[0], /^action: certificate \| result: success \| folder: /);
    await ledger[Symbol.asyncDispose]();
  },
});

Deno.test({
  ...needs(["write"], "Certifier.certify() writes a certificate once, whoever is asked later"),
  async fn() {
    await using volume = await drawnVolume();
    const servers = await Promise.all([1, 2, 3, 4].map((hour) => {
      const wallClock = () => NOON + hour * 3_600_000;
      return certifierOf(volume, { wallClock, software: `${hour}` });
    }));
    for (const { certifier, draw } of servers) certifier.certify(draw);
    await Promise.all(servers.map(({ certifier }) => certifier.done()));
    const lines = servers.flatMap(({ lines }) => lines);
    assertEquals(lines.length, 1, lines.join("\n"));
    const first = await resultsOf(volume.path, volume.ledger.identity.id);
    const later = await certifierOf(volume, { wallClock: () => 0 });
    later.certifier.certify(later.draw);
    await later.certifier.done();
    assertEquals(await resultsOf(volume.path, volume.ledger.identity.id), first);
    await volume.ledger[Symbol.asyncDispose]();
  },
});

Deno.test({
  ...needs(
    ["write"],
    "Certifier.certify() tries again after a failure, and replaces what a killed server left",
  ),
  async fn() {
    await using volume = await drawnVolume();
    const { id } = volume.ledger.identity;
    // In the way of the folder.
    await Deno.writeTextFile(`${volume.path}/draws`, "");
    const { certifier, draw, lines } = await certifierOf(volume);
    certifier.certify(draw);
    while (lines.length === 0) await new Promise((resolve) => setTimeout(resolve));
    assertMatch(lines[0], /^action: certificate \| result: fail \| error: .* \| retry_seconds: 1$/);
    await Deno.remove(`${volume.path}/draws`);
    await Deno.mkdir(`${volume.path}/draws/${id}.unfinished`, { recursive: true });
    await Deno.writeTextFile(`${volume.path}/draws/${id}.unfinished/result.txt`, "torn");
    await certifier.done();
    assertEquals(lines.length, 2);
    const names = Array.from(Deno.readDirSync(`${volume.path}/draws`), ({ name }) => name);
    assertEquals(names.sort(), [".lock", id]);
    await volume.ledger[Symbol.asyncDispose]();
  },
});

Deno.test({
  ...needs(["write"], "Certifier.certify() gives way to others after each few bets and winners"),
  async fn() {
    await using folder = tempFolder();
    const count = 40_000;
    const rows = Array.from({ length: count }, (_, at) => `1,Ana,Paz,${at},1980-01-01,7574\n`);
    await Deno.writeTextFile(`${folder.path}/${BETS_FILE}`, rows.join(""));
    const { ledger } = await openLedger(new FolderDisk(folder.path));
    for (let agency = 1; agency <= AGENCIES; agency++) await ledger.close(agency);
    const { certifier, draw, lines } = await certifierOf({ path: folder.path, ledger });
    let [turns, isDone] = [0, false];
    const takeTurns = () => {
      turns++;
      if (!isDone) setImmediate(takeTurns);
    };
    setImmediate(takeTurns);
    certifier.certify(draw);
    await certifier.done();
    isDone = true;
    assertEquals(lines.length, 1, lines.join("\n"));
    // It reads each bet once, and writes each winner twice.
    assert(turns >= 3 * count / 1000, `${turns} turns`);
    await ledger[Symbol.asyncDispose]();
  },
});

Deno.test({
  ...needs(["write"], "Certifier stops trying when it is disposed of"),
  async fn() {
    await using volume = await drawnVolume();
    await Deno.writeTextFile(`${volume.path}/draws`, "");
    const { certifier, draw, lines } = await certifierOf(volume);
    certifier.certify(draw);
    while (lines.length === 0) await new Promise((resolve) => setTimeout(resolve));
    await certifier[Symbol.asyncDispose]();
    await certifier.done();
    assertEquals(lines.length, 1);
    await volume.ledger[Symbol.asyncDispose]();
  },
});
