import { assertEquals, assertRejects } from "@std/assert";
import { drawRecord } from "../testing/draw_record.ts";
import { DrawRecords, maskDocument } from "./draw_records.ts";
import { contentOf } from "./testing.ts";

const RECORD = drawRecord({
  id: "a-1",
  winningNumber: 7574,
  agencies: [
    { bets: 10, documents: ["30904465", "21689196"] },
    { bets: 5, documents: [] },
  ],
});

function recordsOf(files: Record<string, string>, documents: "masked" | "full" = "masked") {
  return new DrawRecords({
    folder: "/draws",
    documents,
    readFile: (path) =>
      path in files
        ? Promise.resolve(contentOf(files[path]))
        : Promise.reject(new Deno.errors.NotFound(path)),
  });
}

const FILES = { "/draws/a-1/result.json": RECORD };

Deno.test("DrawRecords.read() returns the outcome, with masked documents", async () => {
  assertEquals(await recordsOf(FILES).read("a-1"), {
    id: "a-1",
    winningNumber: 7574,
    drawnAt: "2026-11-27T10:00:00.000Z",
    bets: 15,
    winners: 2,
    agencies: [
      { agency: 1, bets: 10, winners: 2, documents: ["•••••465", "•••••196"] },
      { agency: 2, bets: 5, winners: 0, documents: [] },
    ],
  });
});

Deno.test("DrawRecords.read() shows whole documents only if it may", async () => {
  const outcome = await recordsOf(FILES, "full").read("a-1", 1);
  const [{ winners, documents }] = outcome!.agencies;
  assertEquals([winners, documents], [2, ["30904465"]]);
});

Deno.test("DrawRecords.read() finds nothing, and leaves its folder for no id", async () => {
  const files = { ...FILES, "/draws/../secret/result.json": RECORD };
  for (const id of ["a-2", "../secret", "..", "", "a/1", "a%2f1", "x".repeat(65)]) {
    assertEquals(await recordsOf(files).read(id), undefined, id);
  }
});

Deno.test("DrawRecords.read() throws for what is not a record", async () => {
  const another = RECORD.replace('"version": 2', '"version": 3');
  // A record is written whole, but a disk may lose a part of it.
  for (const text of ["", "{", "{}", "null", RECORD.slice(0, -90), another]) {
    await assertRejects(() => recordsOf({ "/draws/a-1/result.json": text }).read("a-1"));
  }
});

Deno.test("maskDocument() shows the end of a document, and nothing of a short one", () => {
  assertEquals(["30904465", "1234567", "123456", "1", ""].map(maskDocument), [
    ...["•••••465", "•••••567", "•••••", "•••••", "•••••"],
  ]);
});
