import { assertEquals } from "@std/assert";
import { reportRun } from "./report.ts";

Deno.test("reportRun() shows a good run in a table", () => {
  const report = reportRun({
    clients: [
      { agency: 1, sent: 26936, closed: true, documents: ["30876370", "24807259"], exitCode: 0 },
      { agency: 2, sent: 7, closed: true, documents: [], exitCode: 0 },
    ],
    tallies: new Map([
      [2, { stored: 7, documents: [] }],
      [1, { stored: 26936, documents: ["30876370", "24807259"] }],
    ]),
    elapsedMs: 3456,
  });
  assertEquals(report, {
    table: [
      "agency  bets sent  bets stored  winners  documents",
      "     1      26936        26936        2  30876370, 24807259",
      "     2          7            7        0",
      "   all      26943        26943        2  in 3.5 s",
    ],
    faults: [],
  });
});

Deno.test("reportRun() names everything that is amiss", () => {
  const { faults } = reportRun({
    clients: [
      { agency: 1, sent: 3, closed: true, documents: ["11"], exitCode: 0 },
      { agency: 2, closed: false, exitCode: 3, error: "agency-2.csv:7: the line is empty" },
      { agency: 3, sent: 1, closed: true },
      { agency: 4, closed: false, exitCode: 0 },
      { agency: 5, closed: true, exitCode: 143 },
      { agency: 6, closed: false, exitCode: 137 },
    ],
    tallies: new Map([
      [1, { stored: 2, documents: ["11", "22"] }],
      [3, { stored: 1, documents: [] }],
      [9, { stored: 5, documents: [] }],
    ]),
    elapsedMs: 0,
  });
  assertEquals(faults, [
    "agency 1 has sent 3 bets, and bets.csv holds 2 of it",
    "agency 1 was told the winners 11, and by bets.csv they are 11, 22",
    "client2 ended with exit code 3, its data are bad: agency-2.csv:7: the line is empty",
    "client4 ended well but has not logged its bets and its winners",
    "client6 ended with exit code 137, a signal ended it",
    "client3 and client5 were stopped before the draw",
    "bets.csv holds 5 bets of agency 9, which has no client",
  ]);
});

Deno.test("reportRun() shortens a long list of documents", () => {
  const documents = Array.from({ length: 1000 }, (_, index) => String(10_000_000 + index));
  const { table } = reportRun({
    clients: [{ agency: 1, sent: 1000, closed: true, documents, exitCode: 0 }],
    tallies: new Map([[1, { stored: 1000, documents }]]),
    elapsedMs: 0,
  });
  assertEquals(
    table[1].slice(table[1].indexOf("10000000")),
    "10000000, 10000001, 10000002, 10000003, 10000004, 10000005, … 994 more",
  );
});
