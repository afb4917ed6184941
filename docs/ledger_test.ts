import { crc32 } from "node:zlib";
import { assertEquals } from "@std/assert";
import { parse } from "@std/csv";
import { MemoryDisk } from "../server/testing/memory_disk.ts";
import { inspectTail, type ReadAt, type TailState } from "../server/ledger/file/recovery.ts";
import { CheckpointFile, parseCheckpoint } from "../server/ledger/file/checkpoint_file.ts";
import { checksumOf } from "../server/ledger/file/fixed_line.ts";
import { PAGE_BYTES, parseRecords, RecordWriter } from "../server/ledger/file/log_record.ts";
import { type Round, RoundJournal } from "../server/ledger/file/round_journal.ts";
import { AUDIT_FOLDER } from "../server/audit/audit_files.ts";
import { DRAWS_FOLDER } from "../server/certificate/certificate_folder.ts";
import { RESTORE_PREFIX } from "../tools/backup/restore_volume.ts";
import * as names from "../server/ledger/file/volume_files.ts";
import { decodeDraw, encodeDraw } from "../server/ledger/jetstream/draw_record.ts";
import { messageHeaders } from "../server/ledger/jetstream/messages.ts";
import * as streamNames from "../server/ledger/jetstream/names.ts";
import {
  openScripted,
  ScriptedCluster,
} from "../server/ledger/jetstream/testing/scripted_cluster.ts";
import { namedBatch } from "../server/testing/ledgers.ts";

const ledgerMd = Deno.readTextFileSync(new URL("ledger.md", import.meta.url));

/** Three rows of 24 bytes. */
const ROW = "1,A,B,3,2000-01-01,1234\n";
const ROWS = ROW.repeat(3);

/** A file and its journal. */
interface Example {
  file: string;
  round?: Pick<Round, "from" | "to">;
  durableSize?: number;
}

/** An example of each state of the table. */
const EXAMPLES: Record<TailState, Example> = {
  whole: { file: ROWS, round: { from: 24, to: 72 } },
  torn: { file: `${ROWS}1,A`, round: { from: 72, to: 96 } },
  "not started": { file: ROWS, round: { from: 72, to: 96 } },
  longer: { file: `${ROWS}1,A`, round: { from: 24, to: 48 } },
  edited: { file: `${ROWS}1,A`, round: { from: 50, to: 98 } },
  shorter: { file: `${ROWS}1,A`, round: { from: 96, to: 120 } },
  outdated: { file: `${ROWS}1,A`, round: { from: 24, to: 96 }, durableSize: 72 },
  shortened: { file: `${ROWS}1,A`, round: { from: 48, to: 96 }, durableSize: 96 },
  "no journal": { file: `${ROWS}1,A` },
};

/** The rows of the first table after a heading, as trimmed cells. */
function tableAfter(heading: string): string[][] {
  const section = ledgerMd.slice(ledgerMd.indexOf(`\n${heading}\n`));
  const table = /(?:^\|.*\n)+/m.exec(section)![0].trimEnd().split("\n").slice(2);
  return table.map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim()));
}

function fenced(language: string): string {
  return new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, "m").exec(ledgerMd)![1];
}

Deno.test("docs/ledger.md says of every state of the end of bets.csv what recovery keeps", () => {
  const table = new Map(tableAfter("## After a crash").map((row) => [row[0], row[3]]));
  assertEquals(
    new Set(table.keys()),
    new Set(Object.keys(EXAMPLES).map((state) => `\`${state}\``)),
  );
  for (const [state, { file, round, durableSize }] of Object.entries(EXAMPLES)) {
    const bytes = new TextEncoder().encode(file);
    const read: ReadAt = (into, position) => {
      const part = bytes.subarray(position, position + into.length);
      into.set(part);
      return part.length;
    };
    const tail = inspectTail(bytes.length, round, {
      read,
      durableSize,
    });
    const kept: Record<string, number> = {
      everything: bytes.length,
      "up to `from`": round?.from ?? -1,
      "up to the last row end": file.lastIndexOf("\n") + 1,
    };
    assertEquals(tail.state, state);
    assertEquals(tail.wholeSize, kept[table.get(`\`${state}\``)!], state);
  }
});

Deno.test("docs/ledger.md describes the journal byte by byte", () => {
  const disk = new MemoryDisk();
  const round: Round = { epoch: 3, from: 38, to: 95, cuts: 0 };
  const journal = new RoundJournal(disk.process().open("journal"));
  journal.begin(round);
  journal.writeMark({
    closed: 2,
    closedSum: checksumOf(new TextEncoder().encode("1\n")),
  });
  const text = disk.text("journal");
  assertEquals(fenced("text journal"), text);
  assertDescribed(text, "### bets.csv.round");
});

/** Compares a table of bytes with what they are. */
function assertDescribed(text: string, heading: string): void {
  let next = 0;
  for (const [bytes, content] of tableAfter(heading)) {
    const [from, to] = bytes.split(" to ").map(Number);
    assertEquals(from, next, bytes);
    next = to + 1;
    const part = text.slice(from, next);
    // The formatter of Markdown would drop a space inside of the backticks.
    const label = part.startsWith(" ") ? `a space and \`${part.trim()}\`` : `\`${part}\``;
    assertEquals(content === label, /^ ?[a-zA-Z]+=$/.test(part), bytes);
    assertEquals(content === "line feed", part === "\n", bytes);
  }
  assertEquals(next, text.length);
}

Deno.test("docs/ledger.md describes a record of a redo log byte by byte", () => {
  const example = fenced("text record");
  const [header, ...rows] = example.split("\n");
  const lottery = /lottery=(\S+)/.exec(header)![1];
  const bytes = new TextEncoder().encode(rows.join("\n"));
  const record = new RecordWriter({ lottery, epoch: 3 }).write(38, bytes);
  const text = new TextDecoder().decode(record);
  assertEquals(text.replaceAll("\0", "").replace("\x01", "_"), example);
  assertEquals([...parseRecords(record)], [{ lottery, epoch: 3, from: 38, rows: bytes }]);
  assertEquals(record.length % PAGE_BYTES, 0);
  assertDescribed(text.slice(0, header.length + 1), "### bets.csv.log-UUID");
});

Deno.test("docs/ledger.md shows the lines of a checkpoint", async () => {
  const disk = new MemoryDisk();
  const file = new CheckpointFile(disk.process().open("checkpoint"));
  const rows = new TextEncoder().encode(fenced("csv rows"));
  const known = { size: rows.length, crc: crc32(rows) };
  const checkpoint = { sequence: 8, epoch: 3, size: 95, isClean: false, known };
  await file.record(checkpoint);
  const text = disk.text("checkpoint").replaceAll("\0", "");
  assertEquals(fenced("text checkpoint"), text);
  assertEquals(parseCheckpoint(disk.bytes("checkpoint")).last, checkpoint);
  const named = tableAfter("### bets.csv.checkpoint").map(([number]) => number.replaceAll("`", ""));
  assertEquals(new Set(named), new Set([...text.matchAll(/(\w+)=/g)].map(([, name]) => name)));
});

Deno.test("docs/ledger.md shows rows that are CSV, and names everything on the volume", () => {
  const rows = fenced("csv rows");
  assertEquals(parse(rows).map((row) => row.length), [6, 6]);
  assertEquals(rows.indexOf("\n") + 1, 38, "the journal's example begins after the first row");
  assertEquals(rows.length, 95, "and ends with the second");
  const files = tableAfter("## The files").map(([file]) => file.replaceAll("`", ""));
  const aside = [
    `${names.BETS_FILE}.cut-TIME`,
    "NAME.lost-TIME",
    `${names.LOG_PREFIX}UUID`,
    `${names.DISK_FAILURE_FILE}.cleared-TIME`,
    `${names.TRIAL_PREFIX}UUID`,
    `${RESTORE_PREFIX}UUID`,
    `${DRAWS_FOLDER}/`,
    `${AUDIT_FOLDER}/`,
  ];
  const { TRIAL_PREFIX: _, LOG_PREFIX: __, ...whole } = names;
  assertEquals(new Set(files), new Set([...Object.values(whole), ...aside, "archive/"]));
});

Deno.test("docs/ledger.md shows the record of a draw, and the names of its streams", () => {
  const record = fenced("text draw").trim();
  const decoded = decodeDraw(new TextEncoder().encode(record));
  assertEquals(new TextDecoder().decode(encodeDraw(decoded)), record);
  const draw = { name: "name", ...decoded };
  const [agency, id] = [1234, draw.id.slice(0, 8)];
  const partition = streamNames.partitionOf(agency, draw);
  const filledIn = (text: string) =>
    text.replaceAll("`", "").replace("ID", id).replace("P", String(partition))
      .replace("AGENCY", String(agency));
  const [draws, bets] = tableAfter("### Streams").map((cells) => cells.map(filledIn));
  assertEquals(draws[0], streamNames.drawsStream(draw.name));
  assertEquals(draws[1].toLowerCase(), streamNames.drawsSubject(draw.name));
  assertEquals(bets[0], streamNames.betsStream(draw, partition));
  assertEquals(bets[1].replace("NAME", draw.name), streamNames.agencySubject(draw, agency));
});

Deno.test("docs/ledger.md names the headers of a message", () => {
  const lines = fenced("text message").trim().split("\n").map((line) => line.split(": "));
  const shown = Object.fromEntries(lines);
  const message = {
    id: shown["Lottery-Id"],
    kind: shown["Lottery-Kind"],
    bets: Number(shown["Lottery-Bets"]),
    rows: new Uint8Array(),
  };
  assertEquals(messageHeaders(message, 17), shown);
  const named = tableAfter("### Messages").map(([header]) => header.replaceAll("`", ""));
  assertEquals(named, Object.keys(shown));
});

Deno.test("docs/ledger.md says what becomes of an append whose answers are lost", async () => {
  for (const [attempts, read, append, stored] of tableAfter("### Answers that are lost")) {
    const cluster = new ScriptedCluster();
    await using one = openScripted(cluster, { isHeld: true, deadlineMs: 50 });
    await using two = openScripted(cluster);
    await one.ledger.progress(1);
    const isNone = attempts.includes("`none`");
    const isOwn = read === "its own id";
    one.log.fates = isNone ? [isOwn ? "answer lost" : "lost"] : [];
    if (attempts.endsWith("deadline")) one.log.usualFate = "lost";
    if (read.startsWith("nothing")) one.log.usualFate = "mismatch";
    const isTaken = read === "another id";
    if (isTaken && !isNone) await two.ledger.append(namedBatch("b"), 0);
    const appending = one.ledger.append(namedBatch("a"), 0);
    if (isTaken && isNone) await two.ledger.append(namedBatch("b"), 0);
    const row = [attempts, read].join(" | ");
    assertEquals((await appending).status, append.replaceAll("`", ""), row);
    const own = cluster.of(1).filter(({ id }) => one.log.published.some((sent) => sent.id === id));
    const count = own.filter(({ kind }) => kind === "bets").length;
    assertEquals(count, stored === "once" ? 1 : 0, row);
  }
});
