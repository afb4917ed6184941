import { assertEquals } from "@std/assert";
import { reportRun } from "./report.ts";

const NO_SERVERS = new Map<string, number>();

Deno.test("reportRun() returns a table, and no faults, for a good run", () => {
  const report = reportRun(
    {
      clients: [
        { agency: 1, sent: 26936, closed: true, documents: ["30876370", "24807259"], exitCode: 0 },
        { agency: 2, sent: 7, closed: true, documents: [], exitCode: 0 },
      ],
      servers: NO_SERVERS,
      elapsedMs: 3456,
    },
    new Map([
      [2, { stored: 7, documents: [] }],
      [1, { stored: 26936, documents: ["30876370", "24807259"] }],
    ]),
  );
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

Deno.test("reportRun() names everything that went wrong", () => {
  const { faults } = reportRun(
    {
      clients: [
        { agency: 1, sent: 3, closed: true, documents: ["11"], exitCode: 0 },
        { agency: 2, closed: false, exitCode: 3, error: "agency-2.csv:7: the line is empty" },
        { agency: 3, sent: 1, closed: true },
        { agency: 4, closed: false, exitCode: 0 },
        { agency: 5, closed: true, exitCode: 143 },
        { agency: 6, closed: false, exitCode: 137 },
      ],
      servers: new Map([["server1", 0], ["server2", 1], ["server3", undefined]]),
      elapsedMs: 0,
    },
    new Map([
      [1, { stored: 2, documents: ["11", "22"] }],
      [3, { stored: 1, documents: [] }],
      [9, { stored: 5, documents: [] }],
    ]),
  );
  assertEquals(faults, [
    "agency 1 has sent 3 bets, but bets.csv has 2 of its bets",
    "agency 1 received the winners 11, but those in bets.csv are 11, 22",
    "client2 ended with exit code 3 (invalid bets): agency-2.csv:7: the line is empty",
    "client4 ended with exit code 0 without logging its bets and winners",
    "client6 ended with exit code 137 (killed by a signal)",
    "client3 and client5 were stopped before the draw",
    "bets.csv has 5 bets of agency 9, which has no client",
    "server2 ended with exit code 1",
    "server3 ended with exit code unknown",
  ]);
});

Deno.test("reportRun() shortens a long list of documents", () => {
  const documents = Array.from({ length: 1000 }, (_, index) => String(10_000_000 + index));
  const { table } = reportRun({
    clients: [{ agency: 1, sent: 1000, closed: true, documents, exitCode: 0 }],
    servers: NO_SERVERS,
    elapsedMs: 0,
  }, new Map([[1, { stored: 1000, documents }]]));
  assertEquals(
    table[1].slice(table[1].indexOf("10000000")),
    "10000000, 10000001, 10000002, 10000003, 10000004, 10000005, … 994 more",
  );
});
