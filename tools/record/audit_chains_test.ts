import { assertEquals, assertRejects } from "@std/assert";
import { AuditChain } from "../../server/audit/audit_chain.ts";
import { readAuditHeads } from "../../server/audit/audit_heads.ts";
import { fileName, type ServerHead } from "../../server/audit/audit_files.ts";
import { FolderDisk } from "../../server/ledger/disk.ts";
import { needs } from "../../testing/needs.ts";
import { type TempFolder, tempFolder } from "../../testing/temp_folder.ts";
import { verifyAudit } from "./audit_chains.ts";
import { Difference } from "./difference.ts";

/** The audit logs of a test. */
interface Logs extends TempFolder {
  anchors: ServerHead[];
  /** Replaces the rows of the files of server1. */
  change: (change: (rows: string[]) => string[], file?: number) => Promise<void>;
  /** What verifying says; nothing if there is no difference. */
  difference: (anchors?: ServerHead[]) => Promise<string | undefined>;
}

/**
 * The audit logs of two servers, the first of which has three files: lines 1 to 5, 6 to 10, and 11 and 12.
 */
function logs(): Logs {
  const folder = tempFolder();
  for (const [server, count] of [["server1", 10], ["server2", 2]] as const) {
    const disk = new FolderDisk(`${folder.path}/${server}`);
    using chain = AuditChain.open(disk, { server, fileBytesMax: 800, filesMax: 9 });
    for (let agency = 1; chain.head.line < count + 2; agency++) {
      chain.append("admitted", { address: "10.0.0.1:7", agency: 100 + agency });
    }
  }
  const anchors = readAuditHeads(folder.path);
  const difference = async (stated = anchors) => {
    try {
      await verifyAudit(folder.path, stated);
    } catch (error) {
      if (!(error instanceof Difference)) throw error;
      return error.message;
    }
  };
  const change: Logs["change"] = async (change, file = 1) => {
    const path = `${folder.path}/server1/${fileName(file)}`;
    const rows = (await Deno.readTextFile(path)).split("\n").slice(0, -1);
    await Deno.writeTextFile(path, change(rows).map((row) => `${row}\n`).join(""));
  };
  return { ...folder, anchors, change, difference };
}

Deno.test({
  ...needs(["write"], "verifyAudit() finds every line of every file in its place"),
  async fn() {
    await using audit = logs();
    assertEquals(audit.anchors.map(({ server, line }) => [server, line]), [
      ["server1", 12],
      ["server2", 4],
    ]);
    assertEquals(await verifyAudit(audit.path, audit.anchors), { servers: 2, lines: 16 });
    const names = Array.from(Deno.readDirSync(`${audit.path}/server1`), ({ name }) => name);
    assertEquals(names.sort(), [1, 2, 3].map(fileName).concat("chain.lock"));
    assertEquals(await verifyAudit(`${audit.path}/none`, []), { servers: 0, lines: 0 });
  },
});

/** A change of the first file of server1 unless it says another, and what verifying says of it. */
const CHANGES: {
  name: string;
  change: (rows: string[]) => string[];
  file?: number;
  says: string;
}[] = [
  {
    name: "a removed line",
    change: (rows) => rows.toSpliced(2, 1),
    says: "audit-000001.log, row 3: line 3 was removed before line 4",
  },
  {
    name: "removed lines across files",
    change: (rows) => rows.slice(0, 3),
    says: "audit-000002.log, row 1: lines 4 to 5 were removed before line 6",
  },
  {
    name: "a changed line",
    change: (rows) => rows.with(2, rows[2].replace("10.0.0.1", "10.0.0.2")),
    says: "audit-000001.log, row 4: line 3 has changed: line 4 states ",
  },
  {
    name: "a changed line of another file",
    change: (rows) => rows.with(4, rows[4].replace("10.0.0.1", "10.0.0.2")),
    file: 2,
    says: "audit-000003.log, row 1: line 10 has changed: line 11 states ",
  },
  {
    name: "a changed digest",
    change: (rows) =>
      rows.with(
        2,
        rows[2].replace(/"previous":"(.)/, (_, first) => `"previous":"${first === "0" ? 1 : 0}`),
      ),
    says: "audit-000001.log, row 3: line 3 has changed",
  },
  {
    name: "a changed number",
    change: (rows) => rows.with(2, rows[2].replace('"line":3', '"line":9')),
    says: "audit-000001.log, row 3: line 3 has changed: it says 9",
  },
  {
    name: "a line that is none",
    change: (rows) => rows.with(2, "garbage"),
    says: "audit-000001.log, row 3: it has changed, or is not a line of server1",
  },
  {
    name: "a line of another server",
    change: (rows) => rows.with(2, rows[2].replace("server1", "server2")),
    says: "audit-000001.log, row 3: it has changed, or is not a line of server1",
  },
  {
    name: "an inserted copy",
    change: (rows) => rows.toSpliced(3, 0, rows[1]),
    says: "audit-000001.log, row 4: line 2 was inserted: it is there twice",
  },
  {
    name: "an inserted line",
    change: (rows) => rows.toSpliced(2, 0, rows[2].replace("10.0.0.1", "10.0.0.2")),
    says: "audit-000001.log, row 4: line 3 was inserted: it is there twice",
  },
  {
    name: "an inserted line that follows from nothing",
    change: (rows) =>
      rows.toSpliced(2, 0, rows[2].replace(/"previous":"....../, '"previous":"abcdef')),
    says: "audit-000001.log, row 3: line 3 was inserted: it is there twice",
  },
  {
    name: "reordered lines",
    change: (rows) => [rows[0], rows[2], rows[1], ...rows.slice(3)],
    says: "audit-000001.log, row 2: lines were reordered: line 3 stands before line 2",
  },
  {
    name: "a line cut off in the middle of the chain",
    change: (rows) => rows.with(2, rows[2].slice(0, 50)),
    says: "audit-000001.log, row 3: it has changed, or is not a line of server1",
  },
  {
    name: "the last line, changed",
    change: (rows) => rows.with(-1, rows.at(-1)!.replace("10.0.0.1", "10.0.0.2")),
    file: 3,
    says: "audit-000003.log, row 2: line 12 has changed since the draw: its SHA-256 is ",
  },
  {
    name: "the last line, removed",
    change: (rows) => rows.slice(0, -1),
    file: 3,
    says: "it is truncated: it ends with line 11, and result.json states line 12",
  },
];

for (const { name, change, file, says } of CHANGES) {
  Deno.test({
    ...needs(["write"], `verifyAudit() names the first difference: ${name}`),
    async fn() {
      await using audit = logs();
      await audit.change(change, file);
      const message = await audit.difference();
      const expected = `audit log of server1: ${says}`;
      assertEquals(message?.slice(0, expected.length), expected);
    },
  });
}

Deno.test({
  ...needs(
    ["write"],
    "verifyAudit() finds a torn end wherever the certificate states what was there",
  ),
  async fn() {
    await using audit = logs();
    const tear = async (file: number) => {
      const path = `${audit.path}/server1/${fileName(file)}`;
      await Deno.truncate(path, (await Deno.stat(path)).size - 10);
    };
    await tear(3);
    assertEquals(
      await audit.difference(),
      "audit log of server1: it is truncated: it ends with line 11, and result.json states line 12",
    );
    // A server that is killed may leave a torn line, which nobody has anchored.
    assertEquals(await audit.difference([]), undefined);
    await tear(2);
    assertEquals(
      await audit.difference([]),
      "audit log of server1: audit-000002.log, row 5: the line is truncated",
    );
  },
});

Deno.test({
  ...needs(["write"], "verifyAudit() finds a removed file, and a removed chain"),
  async fn() {
    await using audit = logs();
    await Deno.remove(`${audit.path}/server1/${fileName(1)}`);
    const removed = "audit log of server1: the file audit-000001.log with its lines was removed";
    assertEquals(await audit.difference(), removed);
    await Deno.remove(`${audit.path}/server1`, { recursive: true });
    assertEquals(
      (await audit.difference())?.slice(0, 60),
      `audit log of server1: it is missing in ${audit.path}`.slice(0, 60),
    );
    assertEquals(await audit.difference([]), undefined);
  },
});

Deno.test({
  ...needs(
    ["write"],
    "verifyAudit() accepts what a server has dropped, unless the certificate states it",
  ),
  async fn() {
    await using folder = tempFolder();
    const server = "server1";
    const options = { server, fileBytesMax: 800, filesMax: 2 };
    using chain = AuditChain.open(new FolderDisk(`${folder.path}/${server}`), options);
    while (chain.head.line < 5) chain.append("started");
    const early = readAuditHeads(folder.path);
    while (chain.head.line < 17) chain.append("started");
    const late = readAuditHeads(folder.path);
    while (chain.head.line < 18) chain.append("started");
    assertEquals((await verifyAudit(folder.path, late)).servers, 1);
    await assertRejects(
      () => verifyAudit(folder.path, early),
      Difference,
      "line 5, which result.json states, is not kept any more",
    );
  },
});
