import { assertEquals } from "@std/assert";
import type { ClientResult } from "../../client/result_file.ts";
import { closingSentence, reportRun, resultReport, verdictOn } from "./report.ts";
import type { ClientRun, ServerRun } from "./run_watch.ts";
import type { AgencyTally } from "./stored_bets.ts";

const DONE = { closed: true, exitCode: 0 };

/** A run, with each agency's facts side by side. */
interface Run {
  agencies?: {
    client: Omit<ClientRun, "agency">;
    result?: Partial<ClientResult>;
    tally?: AgencyTally;
  }[];
  servers?: (Partial<ServerRun> & { name: string })[];
  samples?: number[];
  others?: [number, AgencyTally][];
}

function report({ agencies = [], servers = [], samples = [], others = [] }: Run) {
  const results = new Map<number, ClientResult>();
  const tallies = new Map(others);
  const closed = new Set<number>();
  for (const [index, { client, result, tally }] of agencies.entries()) {
    const agency = index + 1;
    const unknown = { agency, sent: null, stored: null, winners: null, exitCode: 0, reason: null };
    if (result !== undefined) results.set(agency, { ...unknown, ...result });
    if (tally !== undefined) tallies.set(agency, tally);
    if (client.closed) closed.add(agency);
  }
  return reportRun({
    clients: agencies.map(({ client }, index) => ({ agency: index + 1, ...client })),
    servers: servers.map((server) => ({ exitCodes: [], isDown: false, ...server })),
    elapsedMs: 3456,
  }, { results, tallies, closed, samples, place: "bets.csv" });
}

/** An agency whose client has done everything. */
function good(sent: number, documents: string[] = []) {
  const result = { sent, stored: sent, winners: documents };
  return { client: DONE, result, tally: { stored: sent, documents } };
}

Deno.test("reportRun() returns a table, and no faults, for a good run", () => {
  const found = report({
    agencies: [good(26936, ["30876370", "24807259"]), good(7)],
    servers: [{ name: "server1", exitCodes: [0] }],
  });
  assertEquals(found, {
    table: [
      "agency  bets sent  bets stored  winners  documents",
      "     1      26936        26936        2  30876370, 24807259",
      "     2          7            7        0",
      "   all      26943        26943        2  in 3.5 s",
    ],
    faults: [],
    incidents: [],
    agencies: [
      {
        agency: 1,
        sent: 26936,
        stored: 26936,
        winners: 2,
        documents: ["30876370", "24807259"],
      },
      { agency: 2, sent: 7, stored: 7, winners: 0, documents: [] },
    ],
    elapsedSeconds: 3.456,
  });
  assertEquals(verdictOn(found), ["All bets are stored, and every agency knows its winners"]);
});

Deno.test("closingSentence() says what a good run has done, and what it survived", () => {
  const facts = { promise: "each flushed", location: "bets.csv" };
  const agencies = [good(78_690), good(7)];
  assertEquals(
    closingSentence(report({ agencies }), facts),
    "78,697 bets, each flushed, 3.5 s; bets in bets.csv",
  );
  const servers = [{ name: "server3", exitCodes: [137, 0] }];
  assertEquals(
    closingSentence(report({ agencies, servers }), facts),
    "78,697 bets, each flushed, 3.5 s; server3 was killed (137), nothing was lost; bets in bets.csv",
  );
});

Deno.test("resultReport() has the same facts for a program", () => {
  const found = report({
    agencies: [
      good(3, ["11"]),
      { client: { closed: false, exitCode: 4 }, tally: { stored: 5, documents: ["13"] } },
    ],
  });
  const { agencies, bets, ...others } = resultReport(found, {
    exitCode: 1,
    location: "bets.csv",
    log: "up.log",
  });
  assertEquals([bets, others.exitCode, others.faults], [8, 1, found.faults]);
  assertEquals(agencies, [
    { agency: 1, sent: 3, stored: 3, winners: 1, documents: ["11"] },
    { agency: 2, sent: null, stored: 5, winners: null, documents: [] },
  ]);
});

Deno.test("reportRun() shows a dash for what is not known, and winners as the ledger has them", () => {
  const { table } = report({
    agencies: [
      // Killed after its close: the ledger knows its winners.
      { client: { closed: true, exitCode: 137 }, tally: { stored: 40, documents: ["11", "12"] } },
      // Refused halfway: bets that are still missing may win.
      {
        client: { closed: false, exitCode: 4 },
        result: { stored: 3200 },
        tally: { stored: 3200, documents: [] },
      },
      { client: { closed: false, exitCode: 4 }, tally: { stored: 5, documents: ["13"] } },
      good(3),
    ],
  });
  assertEquals(table, [
    "agency  bets sent  bets stored  winners  documents",
    "     1          –           40        2  11, 12",
    "     2          –         3200        –",
    "     3          –            5        –",
    "     4          3            3        0",
    "   all          –         3248        –  in 3.5 s",
  ]);
});

Deno.test("reportRun() says in the last line of the table whose bets are samples", () => {
  const agencies = [good(1), good(1), good(1)];
  const lastLine = (samples: number[]) => report({ agencies, samples }).table.at(-1)!;
  const note = (samples: number[]) => lastLine(samples).slice(lastLine(samples).indexOf("in 3.5"));
  assertEquals(note([]), "in 3.5 s");
  assertEquals(note([1, 2, 3]), "in 3.5 s; all bets are samples");
  assertEquals(note([2]), "in 3.5 s; the bets of agency 2 are samples");
  assertEquals(note([1, 3, 9]), "in 3.5 s; the bets of agencies 1 and 3 are samples");
});

Deno.test("reportRun() names everything that went wrong", () => {
  const found = report({
    agencies: [
      { ...good(3, ["11"]), tally: { stored: 2, documents: ["11", "22"] } },
      {
        client: { closed: false, exitCode: 3 },
        result: { reason: "agency-2.csv:7: the line is empty" },
      },
      { client: { closed: true }, tally: { stored: 1, documents: [] } },
      { client: { closed: false, exitCode: 0 } },
      { client: { closed: true, exitCode: 143 }, result: { sent: 0, stored: 0 } },
      { client: { closed: false, exitCode: 137 } },
      {
        client: { closed: false, exitCode: 5 },
        result: { stored: 9 },
        tally: { stored: 8, documents: [] },
      },
    ],
    servers: [
      { name: "server1", exitCodes: [0] },
      { name: "server2", exitCodes: [1], error: "the disk is gone" },
      { name: "server3" },
    ],
    others: [[9, { stored: 5, documents: [] }]],
  });
  assertEquals(verdictOn(found), [
    "Problems found:",
    "  - agency 1 has sent 3 bets, but bets.csv has 2 of its bets",
    "  - agency 1 received the winners 11, but those in bets.csv are 11, 22",
    "  - client2 ended with exit code 3 (invalid bets): agency-2.csv:7: the line is empty",
    "  - client4 ended with exit code 0 without reporting its bets and winners",
    "  - client6 ended with exit code 137 (killed by a signal)",
    "  - client7 ended with exit code 5 (no server answered)",
    "  - servers acknowledged 9 bets of agency 7, but bets.csv has 8",
    "  - client3 and client5 were stopped before the draw",
    "  - bets.csv has 5 bets of agency 9, which has no client",
    "  - server2 ended with exit code 1: the disk is gone",
    "  - server3 ended with exit code unknown",
  ]);
});

Deno.test("verdictOn() calls a run good although servers died, and says how", () => {
  const verdict = (...servers: (Partial<ServerRun> & { name: string })[]) => {
    const [line] = verdictOn(report({ agencies: [good(1)], servers }));
    const [done, although] = line.split(", although ");
    assertEquals(done, "All bets are stored, and every agency knows its winners");
    return although;
  };
  assertEquals(verdict({ name: "server3", exitCodes: [137] }), "server3 was killed (137)");
  assertEquals(verdict({ name: "server3", exitCodes: [137, 0] }), "server3 was killed (137)");
  assertEquals(
    verdict(
      { name: "server1", exitCodes: [0] },
      { name: "server2", exitCodes: [137, 1, 137, 0], error: "of the first failure" },
      { name: "server3", exitCodes: [1], isDown: true, error: "fdatasync: I/O error" },
    ),
    "server2 was killed (137) 2 times, server2 ended with exit code 1 and " +
      "server3 ended with exit code 1 and was not started again: fdatasync: I/O error",
  );
});

Deno.test("reportRun() takes the reason for a refusal from the server", () => {
  const [no, guess] = ["No space left on device (os error 28)", "; its log has the reason (full?)"];
  const reason = `Cannot store bets 1 to 9 of agency 1: the server refused`;
  const fault = (exitCode: number, text: string, refusal?: string) => {
    const client = { closed: false, exitCode, refusal };
    return report({ agencies: [{ client, result: { reason: text } }] }).faults[0];
  };
  assertEquals(
    fault(4, reason + guess, no),
    `client1 ended with exit code 4 (a server refused its bets): ${reason}: ${no}`,
  );
  assertEquals(
    fault(4, reason + guess),
    `client1 ended with exit code 4 (a server refused its bets): ${reason}${guess}`,
  );
  assertEquals(
    fault(5, "Cannot reach server", no),
    `client1 ended with exit code 5 (no server answered): Cannot reach server. A server logged: ${no}`,
  );
});

Deno.test("reportRun() compares documents exactly, and shows what cannot be seen in them", () => {
  const documents = [" 1", "1 ", "\u00a02", "3|4", '"5"', "6, 7", "\u200b8", "\u202e9"];
  const { faults, table } = report({ agencies: [good(8, documents)] });
  assertEquals(faults, []);
  assertEquals(
    table[1].split("8  ").at(-1),
    '" 1", "1 ", "\\u{a0}2", "3|4", "\\"5\\"", "6, 7", "\\u{200b}8", … 1 more',
  );
  for (
    const wrong of [documents.map((text) => text.trim()), documents.slice(1), [documents.join(";")]]
  ) {
    const agency = good(8, documents);
    const result = { ...agency.result, winners: wrong };
    assertEquals(report({ agencies: [{ ...agency, result }] }).faults.length, 1);
  }
});

Deno.test("reportRun() shortens a long list of documents", () => {
  const documents = Array.from({ length: 1000 }, (_, index) => String(10_000_000 + index));
  const { table } = report({ agencies: [good(1000, documents)] });
  assertEquals(
    table[1].slice(table[1].indexOf("10000000")),
    "10000000, 10000001, 10000002, 10000003, 10000004, 10000005, … 994 more",
  );
});
